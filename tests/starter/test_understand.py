"""What a table is understood to be: one case for each thing that can be said of a column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.columns import look_at, name_fields
from mlops_lab.starter.decide import Options, Question
from mlops_lab.starter.suspects import find_leak, is_sorted_by
from mlops_lab.starter.understand import Understanding, understand

ROWS = 400
RANDOM = np.random.default_rng(3)
START = datetime(2024, 1, 1, tzinfo=UTC)


def table(**columns: Any) -> pl.DataFrame:
    """A target that two numbers and a category say something of, and more columns."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=ROWS), random.normal(size=ROWS)
    kind = random.choice(["red", "green", "blue"], ROWS)
    y = (a + (kind == "red") + random.normal(size=ROWS)) > 0
    return pl.DataFrame({"a": a, "b": b, "kind": kind, "y": y, **columns})


def of(found: Understanding, name: str) -> tuple[str, str]:
    return next((one.role, one.note) for one in found.columns if one.column.name == name)


def moments(step: timedelta = timedelta(hours=7), start: datetime = START) -> list[datetime]:
    return [start + place * step for place in range(ROWS)]


WORDS = ["good", "bad", "red", "box", "late", "cheap", "again", "never", "soon"]
SENTENCES = [" ".join(RANDOM.choice(WORDS, 9)) + "!" for _ in range(ROWS)]
EVENS = [n % 2 for n in range(ROWS)]

ROLES: dict[str, tuple[Any, str, str]] = {
    "a number": ([n / 3 for n in range(ROWS)], "number", ""),
    "0 or 1": (RANDOM.integers(0, 2, ROWS), "number", "0 or 1"),
    "yes or no": (RANDOM.choice(["Yes", "no"], ROWS), "number", ""),
    "a category": (RANDOM.choice(["x", "y"], ROWS), "category", ""),
    "many categories": (
        pl.Series([f"c{n}" for n in RANDOM.integers(0, 300, ROWS)]),
        "category",
        "",
    ),
    "unique text": ([f"name{n}" for n in range(ROWS)], "left out", "value of its own"),
    "sentences": (SENTENCES, "text", "9 words"),
    "empty": (pl.Series([None] * ROWS, dtype=pl.String), "left out", "no values"),
    "constant": ([7] * ROWS, "left out", "always the same"),
    "constant or missing": ([7, None] * (ROWS // 2), "left out", "always the same"),
    "numbers as text": ([f"1,{n:03}.5" for n in range(ROWS)], "left out", "written as '1,000.5'"),
    "decimal commas": ([f"{n % 9},5" for n in range(ROWS)], "category", "written as '0,5'"),
    "mixed": (["oops" if n == 7 else str(n % 40) for n in range(ROWS)], "category", "first in row 7"),
    "infinite": ([1.0 * n if n != 5 else float("inf") for n in range(ROWS)], "number", "1 infinite"),
    "Unnamed: 0": (list(range(ROWS)), "left out", "counts the rows"),
    "order_no": ([3 * n for n in range(ROWS)], "id", ""),
}


@pytest.mark.parametrize("name", ROLES)
def test_the_role_of_a_column(name: str) -> None:
    values, role, note = ROLES[name]
    found = understand(table(**{name: values}), Options("y"))
    assert of(found, name)[0] == role
    assert note in of(found, name)[1]
    assert [of(found, other)[0] for other in ("a", "b", "kind", "y")] == ["number", "number", "category", "target"]
    assert (found.task, found.order, found.rows) == ("binary", "arrival", ROWS)


# ---- moments ----------------------------------------------------------------------------------------------------------

WRITTEN: dict[str, tuple[str, str | None]] = {
    "ISO": ("%Y-%m-%dT%H:%M:%SZ", None),
    "with a space": ("%Y-%m-%d %H:%M:%S", None),
    "to the minute": ("%Y-%m-%d %H:%M", None),
    "date only": ("%Y-%m-%d", None),
    "slashes": ("%Y/%m/%d", None),
    "German": ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M"),
    "German date": ("%d.%m.%Y", "%d.%m.%Y"),
    "American": ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"),
    "American, noon": ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
    "British": ("%d/%m/%Y", "%d/%m/%Y"),
    "named month": ("%d-%b-%Y", "%d-%b-%Y"),
    "name first": ("%b %d, %Y", "%b %d, %Y"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_moments_in_usual_spellings(name: str) -> None:
    spelling, written = WRITTEN[name]
    made = [f"{moment:{spelling}}" for moment in moments()]
    column, values = look_at(pl.Series("at", [*made[:-1], "NULL"]), "at")
    assert (column.kind, column.format, column.missing) == ("datetime", written, 1)
    back = [f"{moment:{spelling}}" for moment in values.drop_nulls()]
    assert back == made[:-1]


def test_days_and_months_that_cannot_be_told_apart_are_said_to_be_a_guess() -> None:
    made = [f"{1 + n % 9:02}/{1 + n % 11:02}/2024" for n in range(ROWS)]
    column, _ = look_at(pl.Series("at", made), "at")
    assert column.format == "%d/%m/%Y"
    assert "a guess" in column.notes[0]
    growing = [f"{1 + n // 99:02}/{1 + n // 40:02}/2024" for n in range(ROWS)]
    assert look_at(pl.Series("at", growing), "at")[0].kind == "datetime"


@pytest.mark.parametrize("values", [["2024"] * 9, ["1.2.3"] * 9, ["2024-01-02", "later"] * 5, ["12:30"] * 9])
def test_what_is_no_moment(values: list[str]) -> None:
    assert look_at(pl.Series("at", values), "at")[0].kind == "string"


def test_the_time_is_the_one_column_of_moments_that_can_be_it() -> None:
    born = [date(1950 + n % 50, 1 + n % 12, 1) for n in range(ROWS)]
    found = understand(table(ordered_at=moments(), birthday=born), Options("y"))
    assert (of(found, "ordered_at")[0], of(found, "birthday")[0]) == ("time", "date")
    assert found.parts["ordered_at"] == ("hour", "weekday", "month")
    assert found.parts["birthday"] == ("weekday", "month")
    assert found.example["ordered_at"] == moments()[-1]


def test_of_two_that_can_be_it_nobody_knows_and_one_is_asked() -> None:
    frame = table(opened_at=moments(), started_at=moments(start=START - timedelta(hours=3)))
    asked: list[Question] = []

    def answer(question: Question) -> str:
        asked.append(question)
        return "started_at"

    found = understand(frame, Options("y"), ask=answer)
    assert of(found, "started_at")[0] == "time"
    assert of(found, "opened_at") == (
        "left out",
        "suspect: later than the time in 100% of the rows; is it known before the target?",
    )
    assert [(one.option, one.choices, one.default) for one in asked] == [
        ("--time", ("opened_at", "started_at", "none"), "none")
    ]
    assert understand(frame, Options("y")).first("time") is None
    assert of(understand(frame, Options("y", time="opened_at")), "started_at")[0] == "date"
    assert understand(table(at=moments()), Options("y", time="none")).first("time") is None


# ---- the task ---------------------------------------------------------------------------------------------------------

GRADES = RANDOM.integers(1, 6, ROWS)
TARGETS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "booleans": ([n % 2 == 0 for n in range(ROWS)], "binary", ()),
    "0 and 1": (EVENS, "binary", ()),
    "0 and 1 with gaps": ([None if n % 50 == 0 else n % 2 for n in range(ROWS)], "binary", ()),
    "floats 0 and 1": ([float(n % 2) for n in range(ROWS)], "binary", ()),
    "yes and no": (["yes" if n % 2 else "No" for n in range(ROWS)], "binary", ()),
    "two words": ([">50K" if n % 2 else "<=50K" for n in range(ROWS)], "multiclass", ("<=50K", ">50K")),
    "1 and 2": ([1 + n % 2 for n in range(ROWS)], "multiclass", ("1", "2")),
    "words": (["a", "b", "c", "d"] * 100, "multiclass", ("a", "b", "c", "d")),
    "ten digits": ([n % 10 for n in range(ROWS)], "multiclass", tuple("0123456789")),
    "numbers": (RANDOM.normal(size=ROWS), "regression", ()),
    "whole numbers": (RANDOM.integers(0, 100, ROWS), "regression", ()),
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_task_follows_from_the_target(name: str) -> None:
    values, task, classes = TARGETS[name]
    found = understand(table(t=values), Options("t"))
    assert (found.task, found.classes) == (task, classes)
    assert sum(found.counts.values()) == (0 if task == "regression" else ROWS - found.target.missing)


def test_few_whole_numbers_are_asked_about() -> None:
    frame = table(grade=GRADES)
    assert understand(frame, Options("grade")).task == "multiclass"
    assert understand(frame, Options("grade"), ask=lambda question: "regression").task == "regression"
    assert understand(frame, Options("grade", task="regression")).task == "regression"
    assert understand(frame, Options("grade", task="multiclass")).classes == ("1", "2", "3", "4", "5")


BAD_CHOICES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no such target": ({"target": "yy"}, "unknown_column", "--target", "did you mean y"),
    "no such time": ({"target": "y", "time": "when"}, "unknown_column", "--time", "the data has"),
    "time that is none": ({"target": "y", "time": "a"}, "bad_choice", "--time", "no moments"),
    "id that repeats": ({"target": "y", "id": "kind"}, "bad_choice", "--id", "397 repeated"),
    "key is the target": ({"target": "y", "key": "y"}, "bad_choice", "--key", "is the target"),
    "one class": ({"target": "one"}, "bad_choice", "--target", "one value"),
    "no class": ({"target": "nothing"}, "bad_choice", "--target", "no values"),
    "too many classes": ({"target": "name"}, "bad_choice", "--target", "400 classes"),
    "moments": ({"target": "at"}, "bad_choice", "--target", "moments"),
    "words as numbers": ({"target": "kind", "task": "regression"}, "bad_choice", "--task", "no numbers"),
    "three as two": ({"target": "kind", "task": "binary"}, "bad_choice", "--task", "3 values"),
    "fractions as classes": ({"target": "half", "task": "multiclass"}, "bad_choice", "--task", "fractions"),
    "unknown task": ({"target": "y", "task": "ranking"}, "bad_choice", "--task", "binary"),
    "infinite target": ({"target": "far"}, "infinite_values", 'row 1, column "far"', "leave the cell empty"),
    "hardly a target": ({"target": "few"}, "unusable_rows", 'column "few"', "95% of the rows"),
}


@pytest.mark.parametrize("name", BAD_CHOICES)
def test_what_cannot_be_is_told_with_its_option(name: str) -> None:
    options, code, where, told = BAD_CHOICES[name]
    frame = table(
        one=[1] * ROWS,
        nothing=pl.Series([None] * ROWS, dtype=pl.Int64),
        name=[f"n{n}" for n in range(ROWS)],
        at=moments(),
        half=[n % 3 + 0.5 for n in range(ROWS)],
        few=[n % 2 if n < 20 else None for n in range(ROWS)],
        far=[float("inf") if n % 3 else float(n) for n in range(ROWS)],
    )
    with pytest.raises(InvalidInput) as caught:
        understand(frame if options["target"] == "far" else frame.drop("far"), Options(**options))
    assert (caught.value.code, caught.value.where) == (code, where)
    assert told in f"{caught.value.what} {caught.value.hint}"


def test_nothing_to_predict_from() -> None:
    with pytest.raises(InvalidInput) as caught:
        understand(pl.DataFrame({"c": [1] * ROWS, "y": EVENS}), Options("y"))
    assert caught.value.code == "no_inputs"


# ---- ids, keys, names --------------------------------------------------------------------------------------------------


def test_ids_and_keys() -> None:
    frame = table(id=range(ROWS), customerId=[f"c{n}" for n in range(ROWS)], city=["x", "y"] * 200)
    found = understand(frame, Options("y", key="city"))
    assert (of(found, "id")[0], of(found, "customerId")[0], found.key) == ("id", "left out", "city")
    named = understand(frame, Options("y", id="customerId", key="id"))
    assert (of(named, "customerId")[0], of(named, "id")[0], named.key) == ("id", "key", "id_")


def test_names_that_no_field_can_have() -> None:
    names = ["ok", "sepal length (cm)", "sepal.length.(cm)", "2010", "_x", "version", "Größe", "class", "…", ""]
    fields = name_fields(names, frozenset({"version"}))
    assert list(fields.values()) == [
        *("ok", "sepal_length_cm", "sepal_length_cm_2", "column_2010", "x", "version_", "Größe", "class"),
        *("column", "column_2"),
    ]


@given(st.lists(st.text(max_size=4) | st.sampled_from(["a", "a_2", "at", "id", "A", "_a"]), unique=True))
def test_every_field_has_a_good_name_of_its_own(names: list[str]) -> None:
    fields = name_fields(names, frozenset({"at", "id"}))
    assert list(fields) == names
    assert len(set(fields.values())) == len(names)
    assert all(field.isidentifier() and field not in {"at", "id"} for field in fields.values())
    assert not any(field.startswith("_") for field in fields.values())


# ---- suspects, order ---------------------------------------------------------------------------------------------------


def test_columns_that_know_too_much() -> None:
    frame = table()
    y = frame["y"]
    found = understand(
        frame.with_columns(
            same=y,
            coded=pl.when(y).then(pl.lit("won")).otherwise(pl.lit("lost")),
            score=y.cast(pl.Float64) + frame["a"] / 100,
            honest=y.cast(pl.Float64) + frame["a"],
        ),
        Options("y"),
    )
    assert [of(found, name)[0] for name in ("same", "coded", "score")] == ["left out"] * 3
    assert "equals" in of(found, "same")[1]
    assert "determines" in of(found, "coded")[1]
    assert "AUC 1.0000" in of(found, "score")[1]
    assert of(found, "honest")[0] == "number"


def test_suspects_of_numbers_and_of_classes() -> None:
    number = pl.Series(RANDOM.normal(size=ROWS))
    assert find_leak(number * 3 + 2, number, numeric_target=True) == "rises and falls with the target"
    assert find_leak(number.exp(), number, numeric_target=True) == "rises and falls with the target"
    assert find_leak(number + RANDOM.normal(size=ROWS), number, numeric_target=True) is None
    grade = pl.Series(GRADES)
    assert (
        find_leak(grade.cast(pl.String) + "x", grade.cast(pl.Float64), numeric_target=True) == "determines the target"
    )
    named = grade.cast(pl.String)
    assert "tells the classes apart" in str(find_leak(grade + number.abs().clip(0, 1) / 2, named, numeric_target=False))
    assert find_leak(grade + 2 * number, named, numeric_target=False) is None
    many = pl.Series([n % 2 for n in range(5000)])
    once = pl.Series([1 - n % 2 if n == 9 else n % 2 for n in range(5000)])
    assert find_leak(once, many, numeric_target=False) == "alone predicts the target nearly always"
    assert find_leak(pl.Series([None] * ROWS), named, numeric_target=False) is None


@pytest.mark.parametrize(
    ("truth", "numeric", "is_sorted"),
    [
        (["a"] * 150 + ["b"] * 150 + ["c"] * 100, False, True),
        ([False] * 300 + [True] * 100, False, True),
        ((["a"] * 20 + ["b"] * 20) * 10, False, True),
        (EVENS, False, False),
        (RANDOM.choice(["a", "b", "c"], ROWS), False, False),
        (RANDOM.random(ROWS) < 0.03, False, False),
        (range(ROWS), True, True),
        (RANDOM.normal(size=ROWS), True, False),
    ],
)
def test_a_table_sorted_by_its_target(truth: Any, numeric: bool, is_sorted: bool) -> None:
    values = pl.Series("t", list(truth))
    assert is_sorted_by(values, numeric_target=numeric) is is_sorted
    if not numeric:
        frame = table(t=values)
        found = understand(frame, Options("t"))
        assert found.order == ("shuffled" if is_sorted else "arrival")
        assert understand(frame.with_columns(asked_at=pl.Series(moments())), Options("t")).order == "arrival"


def test_rows_that_lack_what_they_need() -> None:
    y = pl.Series([None if n % 10 == 0 else n % 3 == 0 for n in range(ROWS)])
    found = understand(table().with_columns(y=y), Options("y"))
    assert found.set_aside == pytest.approx(0.1)
    assert any("set aside" in note for note in found.notes)
    rare = understand(table(t=["a", "b"] * 199 + ["c"] * 2), Options("t"))
    assert any("fewer than 10 rows are c" in note for note in rare.notes)
