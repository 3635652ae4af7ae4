"""A table of the learner's own as the data of a lab: dealt out, what it lacks is planted, or said."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random

import pytest
from lab_tables import NEEDS, write_loans

from mlops_lab.errors import InvalidInput
from mlops_lab.learn.labs.data.own_table import TableChoice, prepare_own_table


@pytest.fixture
def loans(tmp_path: Path) -> str:
    """A table with a time, a key, numbers, a text, and an outcome in words."""
    write_loans(tmp_path / "loans.csv", rows=260)
    return str(tmp_path / "loans.csv")


def write(path: Path, rows: int = 150, **columns: object) -> str:
    """A table of numbers without a time, a key, or a text; and other columns with one value each."""
    random = Random(2)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["length", "width", *columns, "good"])
        for _ in range(rows):
            length, width = random.uniform(0, 9), random.gauss(0, 1)
            writer.writerow([f"{length:.5f}", f"{width:.3f}", *columns.values(), int(length + width > 5)])
    return str(path)


def test_rows_stay_in_the_order_of_their_time_and_are_dealt_out_onto_days(loans: str) -> None:
    data = prepare_own_table(TableChoice(loans, "outcome", key="client"), NEEDS, seed=3)
    layout = data.layout
    assert layout.per_day == 24, "as many as there are, twice what the lab asks for at most"
    assert [len(data.cases(day, 1)) for day in range(NEEDS.days)] == [24] * NEEDS.days
    cases, source = data.cases(0, NEEDS.days), [*csv.DictReader(Path(loans).read_text().splitlines())]
    assert [case.values["amount"] for case in cases] == [float(row["amount"]) for row in source[:240]]
    assert [case.values["client"] for case in cases] == [row["client"] for row in source[:240]]
    assert (layout.label, layout.key) == ("outcome_is_default", "client")
    assert [case.label for case in cases] == [row["outcome"] == "default" for row in source[:240]]
    assert all(case.known_at > case.at for case in cases)
    assert len({case.id for case in cases}) == len(cases)
    assert "applied_hour" in layout.fields, "what its time said is an input"
    assert {"loan", "outcome", "applied"}.isdisjoint(layout.fields)
    assert layout.spoiled_texts[0].name == "purpose"
    assert layout.spoiled_numbers[0].name in {"amount", "income", "years"}
    again = prepare_own_table(TableChoice(loans, "outcome", key="client"), NEEDS, seed=3)
    assert again.cases(4, 2) == data.cases(4, 2)


def test_what_a_table_lacks_is_planted(tmp_path: Path) -> None:
    data = prepare_own_table(TableChoice(write(tmp_path / "t.csv"), "good"), NEEDS, seed=3)
    layout, case = data.layout, data.cases(0, 1)[0]
    assert (layout.label, layout.key, layout.group, layout.time) == ("good", "case_key", "channel", "case_at")
    assert {*case.request} == {"id", "case_at", "case_key", "channel", "length", "width"}
    assert layout.spoiled_texts[0].name == "channel", "there is no text that could be renamed"
    assert layout.spoiled_numbers[0].name == "length", "a width can be below 0"
    thousandths = [item.values["length"] * 1000 for item in data.cases(0, 5)]
    assert thousandths == pytest.approx([round(value) for value in thousandths])
    assert len({item.values["case_key"] for item in data.cases(0, 10)}) > 40


def test_names_of_the_table_are_not_taken_and_odd_rows_are_left_out(tmp_path: Path) -> None:
    write_loans(tmp_path / "loans.csv", rows=130)
    lines = (tmp_path / "loans.csv").read_text().splitlines()
    head = f"{lines[0]},known_at,outcome_is_default,applied_hour"
    more = [f"{line},2021-01-01 00:00,{number % 7},{number % 5}" for number, line in enumerate(lines[1:])]
    more[3] = more[3].replace(more[3].split(",")[3], "inf")
    (tmp_path / "odd.csv").write_text("\n".join([head, *more]) + "\n")
    data = prepare_own_table(TableChoice(str(tmp_path / "odd.csv"), "outcome"), NEEDS, seed=3)
    assert data.layout.label == "outcome_is_default_"
    assert {"outcome_is_default", "applied_hour", "applied_hour_"} <= {*data.layout.fields}
    json.dumps([case.request for case in data.cases(0, 10)], allow_nan=False)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"channel": "web"}, {}, 'has a column "channel"'),
        ({}, {"target": "width"}, 'has no yes or no in "width"'),
        ({}, {"target": "god"}, 'there is no column "god"'),
        ({}, {"time": "width"}, "width"),
        ({"who": "same"}, {"key": "who"}, "and this lab needs 2"),
        ({}, {"rows": 99}, "has 99 usable rows, and this lab needs 100"),
    ],
)
def test_what_cannot_be_planted_is_one_error(
    columns: dict[str, str], options: dict[str, str], said: str, tmp_path: Path
) -> None:
    rows = int(options.pop("rows", 150))
    path = write(tmp_path / "t.csv", rows, **columns)
    choice = TableChoice(path, options.pop("target", "good"), **options)
    with pytest.raises(InvalidInput, match=said) as caught:
        prepare_own_table(choice, NEEDS, seed=3)
    assert caught.value.hint


def test_a_table_without_an_amount_or_with_one_outcome_is_refused(tmp_path: Path) -> None:
    for text, said in (("a,b,y\n", "no column of numbers from 0 on"), ("a,b,y\n", "too few")):
        rare = said == "too few"
        rows = [
            f"{n % 7 - (0 if rare else 3)},{n % 5 - (0 if rare else 2)},{int(n < 3 if rare else n % 3 == 0)}\n"
            for n in range(150)
        ]
        Random(1).shuffle(rows)
        (tmp_path / "t.csv").write_text(text + "".join(rows))
        with pytest.raises(InvalidInput) as caught:
            prepare_own_table(TableChoice(str(tmp_path / "t.csv"), "y"), NEEDS, seed=3)
        assert said in f"{caught.value} {caught.value.hint}"
