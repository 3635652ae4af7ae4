"""One column alone: what gives the target away is nearly perfect, what is honest is not, on every task."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.training.column_skill import measure_skill

TASKS = ["binary", "multiclass", "regression"]
tables = st.tuples(st.integers(0, 10_000), st.integers(500, 3_000))


def make_target(task: str, draw: Any, rows: int) -> pl.Series:
    if task == "binary":
        return pl.Series(draw.random(rows) < draw.uniform(0.1, 0.6))
    if task == "multiclass":
        return pl.Series(draw.integers(0, int(draw.integers(3, 7)), rows))
    return pl.Series(draw.normal(size=rows) * draw.choice([0.01, 1, 1e6]))


def is_suspect(column: Any, truth: pl.Series, task: str) -> bool:
    found = measure_skill(pl.Series(column), truth, has_classes=task != "regression")
    return found is not None and found.is_nearly_perfect


@pytest.mark.parametrize("task", TASKS)
@examples(15)
@given(table=tables)
def test_a_planted_leak_is_found(task: str, table: tuple[int, int]) -> None:
    seed, rows = table
    draw = np.random.default_rng(seed)
    truth = make_target(task, draw, rows)
    number = truth.cast(pl.Float64).to_numpy()
    scale = number.std()
    noisy = number.copy()
    noisy[: rows // 1_000] = draw.permutation(number)[: rows // 1_000]
    leaks = {"copy": number, "falling": -number, "curved": np.exp(number / scale), "99.9 %": noisy}
    if task != "regression":
        leaks["inside"] = number + draw.uniform(0, 0.5, rows)
        leaks["category"] = np.array([f"of {value}" for value in truth.to_list()])
    missed = [name for name, column in leaks.items() if not is_suspect(column, truth, task)]
    assert not missed


@pytest.mark.parametrize("task", TASKS)
@examples(15)
@given(table=tables)
def test_an_honest_column_is_not_suspected(task: str, table: tuple[int, int]) -> None:
    seed, rows = table
    draw = np.random.default_rng(seed)
    truth = make_target(task, draw, rows)
    number = truth.cast(pl.Float64).to_numpy()
    noise = draw.normal(size=rows) * (number.std() if task == "regression" else 1)
    honest = {
        "noise": noise,
        "strong": number + noise * (0.2 if task == "regression" else 0.4),  # an AUC of some 0.96
        "few values": draw.integers(0, 4, rows),
        "names": draw.choice([f"name {count}" for count in range(rows // 2)], rows),
        "own name": np.array([f"row {count}" for count in range(rows)]),
    }
    accused = [name for name, column in honest.items() if is_suspect(column, truth, task)]
    assert not accused


def test_the_skill_is_that_of_rows_held_out() -> None:
    draw = np.random.default_rng(0)
    truth = pl.Series(draw.random(2_000) < 0.5)
    found = measure_skill(pl.Series(np.arange(2_000)), truth, has_classes=True)
    assert found is not None
    assert found.value == pytest.approx(0.5, abs=0.05)
    assert found.skill < 0.1


@pytest.mark.parametrize("column", [[1.0] * 100, [None] * 100, [float("nan")] * 100, [1.0, 2.0] * 10 + [None] * 80])
def test_too_little_proves_nothing(column: list[float | None]) -> None:
    truth = pl.Series([True, False] * 50)
    assert measure_skill(pl.Series(column, dtype=pl.Float64), truth, has_classes=True) is None
    assert measure_skill(pl.Series(range(100)), pl.Series([5.0] * 100), has_classes=False) is None
