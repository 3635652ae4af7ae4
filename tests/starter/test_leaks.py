"""Columns that reveal the target, and tables that are sorted by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from starter_tables import EVENS, ROWS, make_moments, make_table, role_of

from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.leaks import find_leak, is_sorted_by
from mlops_lab.starter.options import InitOptions

RANDOM = np.random.default_rng(3)
GRADES = RANDOM.integers(1, 6, ROWS)


def test_columns_that_reveal_the_target_are_left_out() -> None:
    frame = make_table()
    y = frame["y"]
    found = analyse_table(
        frame.with_columns(
            same=y,
            coded=pl.when(y).then(pl.lit("won")).otherwise(pl.lit("lost")),
            score=y.cast(pl.Float64) + frame["a"] / 100,
            honest=y.cast(pl.Float64) + RANDOM.normal(size=frame.height),
        ),
        InitOptions("y"),
    )
    assert [role_of(found, name)[0] for name in ("same", "coded", "score")] == ["left out"] * 3
    assert "equals" in role_of(found, "same")[1]
    assert "determines" in role_of(found, "coded")[1]
    assert "AUC 1.0000" in role_of(found, "score")[1]
    assert role_of(found, "honest")[0] == "number"


def test_leaks_of_numbers_and_of_classes() -> None:
    number = pl.Series(RANDOM.normal(size=ROWS))
    assert find_leak(number * 3 + 2, number, numeric_target=True) == "rises and falls with the target"
    assert find_leak(number.exp(), number, numeric_target=True) == "rises and falls with the target"
    assert find_leak(number + RANDOM.normal(size=ROWS), number, numeric_target=True) is None
    grade = pl.Series(GRADES)
    coded = find_leak(grade.cast(pl.String) + "x", grade.cast(pl.Float64), numeric_target=True)
    assert coded == "determines the target (rank skill 1.0000)"
    named = grade.cast(pl.String)
    mixed = find_leak(grade + number.abs().clip(0, 1) / 2, named, numeric_target=False)
    assert "nearly perfectly (accuracy" in str(mixed)
    assert find_leak(grade + 2 * number, named, numeric_target=False) is None
    many = pl.Series([n % 2 for n in range(5000)])
    once = pl.Series([1 - n % 2 if n == 9 else n % 2 for n in range(5000)])
    assert "nearly perfectly (AUC 0.99" in str(find_leak(once, many, numeric_target=False))
    assert find_leak(pl.Series([None] * ROWS), named, numeric_target=False) is None


def test_a_column_whose_nulls_tell_the_class_is_a_leak() -> None:
    won = pl.Series(RANDOM.random(ROWS) < 0.3)
    paid = pl.select(pl.when(won).then(pl.Series(RANDOM.normal(size=ROWS)))).to_series()
    assert "whether it is missing determines" in str(find_leak(paid, won, numeric_target=False))
    holes = pl.select(pl.when(pl.Series(RANDOM.random(ROWS) < 0.3)).then(1.5)).to_series()
    assert find_leak(holes, won, numeric_target=False) is None


def test_honest_columns_of_few_values_beside_three_classes_are_not_suspected() -> None:
    """Forty thousand rows and few values: the class seldom changes in the order of the column, which tells nothing."""
    draw = np.random.default_rng(0)
    plan = draw.choice(["low", "mid", "high"], 40_000)
    frame = pl.DataFrame({"member": draw.integers(0, 2, 40_000), "stars": draw.integers(1, 6, 40_000), "plan": plan})
    found = analyse_table(frame, InitOptions("plan"))
    assert [role_of(found, name)[0] for name in ("member", "stars")] == ["number", "number"]


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
        frame = make_table(t=values)
        found = analyse_table(frame, InitOptions("t"))
        assert found.order == ("shuffled" if is_sorted else "arrival")
        assert (
            analyse_table(frame.with_columns(asked_at=pl.Series(make_moments())), InitOptions("t")).order == "arrival"
        )
