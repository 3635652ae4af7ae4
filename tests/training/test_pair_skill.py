"""Sums and differences that give the target away are found on every task; honest tables have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.training.pair_skill import find_combination

TASKS = ["binary", "multiclass", "regression"]
tables = st.tuples(st.integers(0, 10_000), st.integers(500, 3_000))


def make_inputs(draw: Any, rows: int) -> pl.DataFrame:
    others = {f"x{number}": draw.normal(size=rows) for number in range(5)}
    parts = {"casual": draw.integers(5, 200, rows), "registered": draw.gamma(4, 20, rows).round(1)}
    return pl.DataFrame({**others, **parts})


def cut(number: pl.Series, task: str) -> pl.Series:
    if task == "regression":
        return number
    places = [number.quantile(0.6)] if task == "binary" else [number.quantile(0.3), number.quantile(0.7)]
    return pl.Series(np.digitize(number.to_numpy(), np.array(places, dtype=float)))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("sign", ["+", "-"])
@examples(6)
@given(table=tables)
def test_a_sum_or_difference_is_found(task: str, sign: str, table: tuple[int, int]) -> None:
    seed, rows = table
    inputs = make_inputs(np.random.default_rng(seed), rows)
    casual, registered = inputs["casual"], inputs["registered"]
    truth = cut(casual + registered if sign == "+" else registered - casual, task)
    found = find_combination(inputs, truth, has_classes=task != "regression")
    assert found is not None
    assert set(found.names) == {"casual", "registered"}
    assert sign in found.formula


@pytest.mark.parametrize("task", TASKS)
@examples(6)
@given(table=tables)
def test_an_honest_table_has_none(task: str, table: tuple[int, int]) -> None:
    seed, rows = table
    draw = np.random.default_rng(seed)
    inputs = make_inputs(draw, rows)
    honest = inputs["x0"] + inputs["x1"] + pl.Series(draw.normal(size=rows)) * 0.4
    assert find_combination(inputs, cut(honest, task), has_classes=task != "regression") is None


def test_sums_of_several_products_and_ratios_of_numbers_are_found() -> None:
    inputs = make_inputs(np.random.default_rng(0), 1_000)
    several = inputs["casual"] - 2 * inputs["registered"] + 3 * inputs["x0"]
    found = find_combination(inputs, several + 7, has_classes=False)
    assert str(found) == "3 x0 + casual - 2 registered is the target, exactly"
    for sign, truth in {
        "×": inputs["casual"] * inputs["registered"],
        "/": inputs["casual"] / inputs["registered"],
    }.items():
        found = find_combination(inputs, truth, has_classes=False)
        assert found is not None
        assert found.formula == f"casual {sign} registered"


@pytest.mark.filterwarnings("error")
def test_nulls_infinities_and_moments_are_no_obstacle() -> None:
    inputs = make_inputs(np.random.default_rng(0), 1_000)
    begun = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2025, 1, 1), "1h", eager=True).head(1_000)
    hours = inputs["registered"].cast(pl.Int64)
    inputs = inputs.select(
        pl.when(pl.int_range(pl.len()) % 50 > 0).then("x0").alias("x0"), begun=begun, empty=pl.lit(None, pl.Float64)
    ).with_columns(ended=begun + pl.select(pl.duration(hours=hours)).to_series(), far=float("inf"))
    found = find_combination(inputs, hours, has_classes=False)
    assert found is not None
    assert set(found.names) == {"begun", "ended"}
    assert find_combination(inputs.select("x0"), hours, has_classes=False) is None
    assert find_combination(inputs, pl.Series([1.0] * 1_000), has_classes=False) is None
