"""What makes a table unusable, and what is noted."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from starter_tables import EVENS, ROWS, make_moments, make_table

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions

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
def test_a_wrong_choice_is_refused_with_its_option(name: str) -> None:
    options, code, where, told = BAD_CHOICES[name]
    frame = make_table(
        one=[1] * ROWS,
        nothing=pl.Series([None] * ROWS, dtype=pl.Int64),
        name=[f"n{n}" for n in range(ROWS)],
        at=make_moments(),
        half=[n % 3 + 0.5 for n in range(ROWS)],
        few=[n % 2 if n < 20 else None for n in range(ROWS)],
        far=[float("inf") if n % 3 else float(n) for n in range(ROWS)],
    )
    with pytest.raises(InvalidInput) as caught:
        analyse_table(frame if options["target"] == "far" else frame.drop("far"), InitOptions(**options))
    assert (caught.value.code, caught.value.where) == (code, where)
    assert told in f"{caught.value.what} {caught.value.hint}"


def test_nothing_to_predict_from() -> None:
    with pytest.raises(InvalidInput) as caught:
        analyse_table(pl.DataFrame({"c": [1] * ROWS, "y": EVENS}), InitOptions("y"))
    assert caught.value.code == "no_inputs"


def test_rows_without_a_target_are_set_aside_and_noted() -> None:
    y = pl.Series([None if n % 10 == 0 else n % 3 == 0 for n in range(ROWS)])
    found = analyse_table(make_table().with_columns(y=y), InitOptions("y"))
    assert found.set_aside == pytest.approx(0.1)
    assert any("set aside" in note for note in found.notes)
    rare = analyse_table(make_table(t=["a", "b"] * 199 + ["c"] * 2), InitOptions("t"))
    assert any("fewer than 10 rows are c" in note for note in rare.notes)


def test_data_that_does_not_say_when_outcomes_became_known_is_noted() -> None:
    moments = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 6, 1), "1h", eager=True).head(ROWS)
    table = make_table(asked_at=moments)
    for known, is_noted in ((table, True), (table.with_columns(known_at=moments + pl.duration(hours=3)), False)):
        notes = analyse_table(known, InitOptions("y")).notes
        assert any("outcome_delay" in note for note in notes) is is_noted


def test_dates_that_together_give_the_target_away_leave_no_features() -> None:
    """An order was late where it was delivered more than two days after it was made."""
    hours = pl.Series([10 + n * 37 % 80 for n in range(ROWS)])
    orders = pl.DataFrame({"ordered_at": make_moments(), "weight": EVENS})
    delivered = pl.col("ordered_at") + pl.duration(hours=hours)
    table = orders.with_columns(delivered_at=delivered, late=hours > 48)
    found = analyse_table(table, InitOptions("late", time="none"))
    assert [column.field for column in found.of_role("left out")] == ["ordered_at", "delivered_at"]
    assert found.parts == {}
    found = analyse_table(table, InitOptions("late"))
    assert [column.field for column in found.of_role("time", "left out")] == ["ordered_at", "delivered_at"]
