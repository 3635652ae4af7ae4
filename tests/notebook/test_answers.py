"""Answers with their truth: figures overall and by group, beside those of a constant answer."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from mlops_lab.notebook.answers import LabelledAnswers, answer_rows, join_inputs, without_loop_columns
from mlops_lab.tasks.make import make_task

ROWS = pl.DataFrame({"shop": ["a", "a", "b", "b"]})


def make_answers(output: list[float | None]) -> LabelledAnswers:
    truth, constant = pl.Series([0.0, 1.0, 1.0, 1.0]), pl.Series([0.5] * 4)
    return LabelledAnswers(make_task("binary"), ROWS, truth, pl.Series(output, dtype=pl.Float64), constant)


def test_the_quality_is_that_of_the_answers_and_the_baseline_that_of_the_constant() -> None:
    answers = make_answers([0.2, 0.8, 0.8, 0.8])
    assert answers.quality["log_loss"] == pytest.approx(-math.log(0.8))
    assert answers.baseline["log_loss"] == pytest.approx(-math.log(0.5))
    assert answers.unanswered == 0


def test_rows_without_an_answer_are_counted_and_not_measured() -> None:
    answers = make_answers([0.2, None, float("nan"), 0.8])
    assert answers.unanswered == 2
    assert answers.quality["log_loss"] == pytest.approx(-math.log(0.8))
    nothing = make_answers([None] * 4)
    assert (nothing.unanswered, nothing.quality, nothing.baseline) == (4, {}, {})


def test_each_group_has_its_own_figures(tiny: Any) -> None:
    groups = make_answers([0.2, 0.2, 0.8, 0.8]).group(tiny.project, "shop")
    assert groups["shop"].to_list() == ["a", "b"]
    assert groups["rows"].to_list() == [2, 2]
    assert groups["log_loss"].to_list() == pytest.approx([-(math.log(0.8) + math.log(0.2)) / 2, -math.log(0.8)])
    assert groups["log_loss_always_same"].to_list() == pytest.approx([-math.log(0.5)] * 2)


def test_the_column_of_groups_never_hides_a_figure(tiny: Any) -> None:
    groups = make_answers([0.2, 0.2, 0.8, 0.8]).group(tiny.project, pl.col("shop").alias("rows"))
    assert groups.columns[:2] == ["rows_", "rows"]


def test_the_table_has_the_model_beside_the_constant() -> None:
    answers = make_answers([0.2, 0.8, 0.8, 0.8])
    grid = answers.grid()
    assert grid.columns == ("", "model", "always the same")
    assert ("log loss", answers.quality["log_loss"], answers.baseline["log_loss"]) in grid.rows


def test_rows_are_answered_as_of_their_own_time(tiny: Any) -> None:
    rows = without_loop_columns(tiny.project, tiny.training.holdout).head(50)
    answers = answer_rows(tiny.project, tiny.lake, tiny.predictor, rows, training_truth=tiny.training.truth)
    assert answers.output.equals(tiny.predictor.score(tiny.training.holdout_inputs.head(50)))
    assert answers.truth.equals(tiny.training.holdout_truth.head(50))
    assert answers.constant.unique().to_list() == pytest.approx([tiny.training.truth.mean()])


def test_the_models_inputs_stand_beside_the_columns_of_the_rows() -> None:
    rows, inputs = pl.DataFrame({"id": ["x"], "size": [1]}), pl.DataFrame({"size": [1.0], "hour": [7]})
    assert join_inputs(rows, inputs).equals(pl.DataFrame({"id": ["x"], "size": [1], "hour": [7]}))


def test_columns_of_the_loop_are_left_out(tiny: Any) -> None:
    rows = without_loop_columns(tiny.project, pl.DataFrame({"_fact_id": ["o1"], "_known_at": [1], "shop": ["a"]}))
    assert rows.columns == ["order_id", "shop"]
