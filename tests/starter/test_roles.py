"""The role of a column, with an example for each reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from starter_tables import ROWS, START, make_moments, make_table, role_of

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions, UserQuestion
from mlops_lab.starter.roles import find_time_parts

RANDOM = np.random.default_rng(3)
WORDS = ["good", "bad", "red", "box", "late", "cheap", "again", "never", "soon"]
SENTENCES = [" ".join(RANDOM.choice(WORDS, 9)) + "!" for _ in range(ROWS)]

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
    "unique text": ([f"name{n}" for n in range(ROWS)], "left out", "a different value"),
    "sentences": (SENTENCES, "text", "9 words"),
    "empty": (pl.Series([None] * ROWS, dtype=pl.String), "left out", "no values"),
    "constant": ([7] * ROWS, "left out", "always the same"),
    "a number or missing": ([7, None] * (ROWS // 2), "number", "a flag"),
    "X or blank": (["X", None] * (ROWS // 2), "category", "a flag"),
    "a date or missing": ([datetime(2024, 1, 1), None] * (ROWS // 2), "left out", "always the same"),
    "numbers as text": ([f"1,{n:03}.5" for n in range(ROWS)], "left out", "written as '1,000.5'"),
    "decimal commas": ([f"{n % 9},5" for n in range(ROWS)], "category", "written as '0,5'"),
    "mixed": (["oops" if n == 7 else str(n % 40) for n in range(ROWS)], "category", "first in row 7"),
    "infinite": ([1.0 * n if n != 5 else float("inf") for n in range(ROWS)], "number", "1 infinite"),
    "Unnamed: 0": (list(range(ROWS)), "left out", "a row number"),
    "order_no": ([3 * n for n in range(ROWS)], "id", ""),
}


@pytest.mark.parametrize("name", ROLES)
def test_the_role_of_a_column(name: str) -> None:
    values, role, note = ROLES[name]
    found = analyse_table(make_table(**{name: values}), InitOptions("y"))
    assert role_of(found, name)[0] == role
    assert note in role_of(found, name)[1]
    assert [role_of(found, other)[0] for other in ("a", "b", "kind", "y")] == ["number", "number", "category", "target"]
    assert (found.task, found.order, found.rows) == ("binary", "arrival", ROWS)


def test_the_time_is_the_only_possible_column_of_moments() -> None:
    born = [date(1950 + n % 50, 1 + n % 12, 1) for n in range(ROWS)]
    found = analyse_table(make_table(ordered_at=make_moments(), birthday=born), InitOptions("y"))
    assert (role_of(found, "ordered_at")[0], role_of(found, "birthday")[0]) == ("time", "date")
    assert found.parts["ordered_at"] == ("hour", "weekday", "month")
    assert found.parts["birthday"] == ("weekday", "month", "year", "age")
    assert found.example["ordered_at"] == make_moments()[-1]


def test_of_several_times_the_earliest_is_the_time_of_the_request() -> None:
    opened, closed = make_moments(), make_moments(start=START + timedelta(hours=3))
    swapped = [opened[0], closed[0], *closed[2:]]  # one of 400 is the other way round
    found = analyse_table(make_table(received_at=swapped, opened_at=opened), InitOptions("y"))
    role, note = role_of(found, "opened_at")
    assert (role, note.partition(":")[0]) == ("time", "never later than received_at")
    assert role_of(found, "received_at") == (
        "left out",
        "suspect: later than the time in 100% of the rows; is it known before the target?",
    )
    frame = make_table(received_at=closed, opened_at=opened)
    assert role_of(analyse_table(frame, InitOptions("y", time="received_at")), "opened_at")[0] == "date"
    assert analyse_table(frame, InitOptions("y", time="none")).first("time") is None


@pytest.mark.parametrize("names", [("opened_at", "started_at"), ("x", "y2")])
def test_a_question_decides_where_neither_name_nor_order_does(names: tuple[str, str]) -> None:
    apart = [moment + timedelta(hours=(-1) ** n) for n, moment in enumerate(make_moments())]
    frame = make_table(**{names[0]: make_moments(), names[1]: apart})
    asked: list[UserQuestion] = []

    def answer(question: UserQuestion) -> str:
        asked.append(question)
        return names[1]

    assert role_of(analyse_table(frame, InitOptions("y"), ask=answer), names[1])[0] == "time"
    assert [(one.option, one.choices, one.default) for one in asked] == [("--time", (*names, "none"), names[0])]
    with pytest.raises(InvalidInput) as caught:
        analyse_table(frame, InitOptions("y"))
    assert (caught.value.where, caught.value.hint) == ("--time", f"name it, such as --time {names[0]}")
    assert ", ".join(names) in caught.value.what


def test_dates_of_something_else_are_not_taken_for_the_time() -> None:
    frame = make_table(birthday=make_moments(), joined=make_moments(start=START + timedelta(days=9)))
    assert analyse_table(frame, InitOptions("y")).first("time") is None
    frame = frame.with_columns(day=pl.Series(make_moments(start=START + timedelta(days=99))))
    assert role_of(analyse_table(frame, InitOptions("y")), "day")[0] == "time"


def test_ids_and_keys() -> None:
    frame = make_table(id=range(ROWS), customerId=[f"c{n}" for n in range(ROWS)], city=["x", "y"] * 200)
    found = analyse_table(frame, InitOptions("y", key="city"))
    assert (role_of(found, "id")[0], role_of(found, "customerId")[0], found.key) == ("id", "left out", "city")
    named = analyse_table(frame, InitOptions("y", id="customerId", key="id"))
    assert (role_of(named, "customerId")[0], role_of(named, "id")[0], named.key) == ("id", "key", "id_")


def test_the_time_has_a_trend_where_a_number_is_predicted_over_months() -> None:
    days = pl.Series([datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(400)])
    assert find_time_parts(days, numeric_target=True) == ("weekday", "month", "trend")
    assert find_time_parts(days, numeric_target=False) == ("weekday", "month")
    assert find_time_parts(days.head(60), numeric_target=True) == ("weekday", "month")
