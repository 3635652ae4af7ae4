"""The recipe of an analysed table: its own features and rows, in the order of time, without the last fifth."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from starter_tables import ROWS, make_moments, make_table

from mlops_lab.starter import choose_recipe
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.choose_model import choose_model
from mlops_lab.starter.options import InitOptions
from mlops_lab.starter.pipeline import write_pipeline


@pytest.fixture(autouse=True)
def _fewer_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_recipe, "_FEW_ROWS", 0)


def test_a_table_of_every_kind_of_column_gets_a_model_that_runs() -> None:
    notes = [f"it was {'good' if index % 3 else 'bad'} at number {index}" for index in range(ROWS)]
    holes = [None if index % 7 == 0 else index % 5 for index in range(ROWS)]
    frame = make_table(**{"note": notes, "at": [str(moment) for moment in make_moments()], "some holes": holes})
    found = analyse_table(frame, InitOptions("y", time="at"))
    chosen = choose_model(frame, found)
    assert chosen.split.endswith("each later than what it was trained on")
    assert chosen.rows == 0.8 * ROWS
    names: dict[str, Any] = {}
    text = write_pipeline(found, chosen)
    exec(text, names)
    assert hasattr(names["model"](), "fit")
    assert f"# {chosen.comparison[0]}" in text


@pytest.mark.parametrize(
    "target",
    [
        pl.Series(["yes", "no"] * 60),
        pl.Series([1, 2, 3] * 40),
        pl.Series(["a", "b", None] * 40),
        pl.Series(np.arange(120.0)).shuffle(seed=1),
        pl.Series([0, 1] * 60),
    ],
    ids=["yes and no", "whole numbers as classes", "nulls", "numbers", "0 and 1"],
)
def test_every_kind_of_target_is_compared(target: pl.Series) -> None:
    frame = pl.DataFrame({"x": np.random.default_rng(0).normal(size=120), "y": target})
    assert choose_model(frame, analyse_table(frame, InitOptions("y"))).losses


def test_the_rows_that_gates_hold_out_play_no_part() -> None:
    """Only the last fifth tells; a choice that saw it would not be the same."""
    draw = np.random.default_rng(0)
    early = pl.DataFrame({"x": draw.normal(size=ROWS), "y": draw.normal(size=ROWS), "at": make_moments()})
    late = early.with_columns(
        pl.when(pl.int_range(pl.len()) >= 0.8 * ROWS).then(pl.col("x") * 100).otherwise("y").alias("y")
    )
    chosen = [choose_model(frame, analyse_table(early, InitOptions("y", time="at"))) for frame in (early, late)]
    assert chosen[0].losses == pytest.approx(chosen[1].losses)


def test_a_table_too_small_to_compare_gets_trees() -> None:
    frame = pl.DataFrame({"x": range(40), "z": [1, 2, 3, 3] * 10, "y": [0, 1] * 20})
    chosen = choose_model(frame, analyse_table(frame, InitOptions("y")))
    assert not chosen.losses
    assert chosen.recipe.trees
