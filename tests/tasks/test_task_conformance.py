"""What every task must do: these tests run on each kind that `make_task` makes.

A new task needs a module in `tasks/`, a branch in `make_task`, and an example in `EXAMPLES` below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.tasks.base import LISTS, Task, mean_gaps
from mlops_lab.tasks.make import make_task

CLASSES = ("a", "b", "c")
LENGTHS = st.integers(1, 25)


def encode_classes(truth: pl.Series) -> pl.Series:
    return pl.Series([[float(index == code) for index in range(3)] for code in truth], dtype=LISTS)


@dataclass(frozen=True)
class Example:
    """A task, labels that it takes and some that it does not, and how its answers are drawn.

    `perfect` makes the answers that are right and certain; `invalid` are columns of which every row is no answer.
    """

    task: Task
    label: st.SearchStrategy[Any]
    output: st.SearchStrategy[Any]
    perfect: Callable[[pl.Series], pl.Series]
    invalid: list[Any]


PROBABILITIES = st.floats(0, 1)
WEIGHTS = st.lists(st.floats(0.001, 1), min_size=3, max_size=3)
NUMBERS = st.floats(-1e6, 1e6)
EXAMPLES = {
    "binary": Example(
        task=make_task("binary"),
        label=st.booleans(),
        output=PROBABILITIES,
        perfect=lambda truth: truth,
        invalid=[-0.1, 1.1, math.nan, math.inf, None],
    ),
    "multiclass": Example(
        task=make_task("multiclass", classes=CLASSES),
        label=st.sampled_from(CLASSES),
        output=WEIGHTS.map(lambda weights: [weight / sum(weights) for weight in weights]),
        perfect=encode_classes,
        invalid=[[0.5, 0.5], [0.5, 0.4, 0.2], [1.5, -0.5, 0.0], [math.nan, 0.5, 0.5], [], None],
    ),
    "regression": Example(
        task=make_task("regression", scale=2.0),
        label=NUMBERS,
        output=NUMBERS,
        perfect=lambda truth: truth,
        invalid=[math.nan, math.inf, -math.inf, None],
    ),
}
each_task = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def draw_truth(data: st.DataObject, example: Example, rows: int) -> pl.Series:
    labels = data.draw(st.lists(example.label, min_size=rows, max_size=rows))
    return example.task.encode(pl.Series(labels))


def draw_output(data: st.DataObject, example: Example, rows: int) -> pl.Series:
    outputs = data.draw(st.lists(example.output, min_size=rows, max_size=rows))
    return pl.Series(outputs, dtype=example.task.output_dtype)


def test_the_examples_are_of_the_kinds_they_say() -> None:
    assert {name: example.task.kind for name, example in EXAMPLES.items()} == {name: name for name in EXAMPLES}
    assert all(example.task.loss_name for example in EXAMPLES.values())


@each_task
@given(data=st.data(), rows=LENGTHS)
def test_truth_is_a_column_of_numbers_without_nulls(example: Example, data: st.DataObject, rows: int) -> None:
    truth = draw_truth(data, example, rows)
    assert truth.dtype == pl.Float64
    assert len(truth) == rows
    assert truth.is_finite().all()


@each_task
def test_a_label_that_is_missing_is_null(example: Example) -> None:
    label = pl.Series([None], dtype=pl.String if example.task.kind == "multiclass" else pl.Float64)
    assert example.task.encode(label).to_list() == [None]


@each_task
@given(data=st.data(), rows=LENGTHS)
def test_every_answer_has_a_finite_loss_that_is_not_negative(example: Example, data: st.DataObject, rows: int) -> None:
    truth, output = draw_truth(data, example, rows), draw_output(data, example, rows)
    losses = example.task.losses(truth, output)
    assert len(losses) == rows
    assert losses.dtype == pl.Float64
    assert losses.is_finite().all()
    assert (losses >= 0).all()
    assert not example.task.invalid(output).any()


@each_task
@given(data=st.data(), rows=LENGTHS)
def test_no_answer_costs_less_than_the_right_one(example: Example, data: st.DataObject, rows: int) -> None:
    truth, output = draw_truth(data, example, rows), draw_output(data, example, rows)
    least = example.task.losses(truth, example.perfect(truth))
    assert least.to_list() == pytest.approx([0.0] * rows, abs=1e-12)
    assert (example.task.losses(truth, output) >= least - 1e-9).all()


@each_task
@given(data=st.data(), rows=LENGTHS)
def test_right_answers_have_no_gaps(example: Example, data: st.DataObject, rows: int) -> None:
    truth = draw_truth(data, example, rows)
    gaps = mean_gaps(example.task.parts(truth, example.perfect(truth)))
    assert list(gaps.values()) == pytest.approx([0.0] * len(gaps), abs=1e-9)


@each_task
@given(data=st.data(), rows=LENGTHS)
def test_parts_have_names_of_their_own_and_a_number_for_each_row(
    example: Example, data: st.DataObject, rows: int
) -> None:
    parts = example.task.parts(draw_truth(data, example, rows), draw_output(data, example, rows))
    assert len({part.name for part in parts}) == len(parts) > 0
    for part in parts:
        assert len(part.truth) == len(part.output) == rows
        assert part.truth.dtype == part.output.dtype == pl.Float64


@each_task
@given(data=st.data(), rows=LENGTHS, answers=st.integers(0, 4))
def test_the_constant_answer_is_valid_and_right_on_average(
    example: Example, data: st.DataObject, rows: int, answers: int
) -> None:
    truth = draw_truth(data, example, rows)
    constant = example.task.constant(truth, rows)
    assert constant.dtype == example.task.output_dtype
    assert not example.task.invalid(constant).any()
    scale = max(1.0, float(truth.abs().max()))  # type: ignore[arg-type]
    gaps = mean_gaps(example.task.parts(truth, constant))
    assert max(map(abs, gaps.values())) < 1e-9 * scale
    assert len(example.task.constant(truth, answers)) == answers


@each_task
def test_every_row_that_is_no_answer_is_found(example: Example) -> None:
    output = pl.Series(example.invalid, dtype=example.task.output_dtype)
    assert example.task.invalid(output).to_list() == [True] * len(example.invalid)


@each_task
@given(data=st.data(), gap=st.floats(0.001, 9))
def test_a_gap_is_explained_with_its_size_and_its_direction(example: Example, data: st.DataObject, gap: float) -> None:
    for part in example.task.parts(draw_truth(data, example, 1), draw_output(data, example, 1)):
        more, fewer = example.task.explain_gap(part.name, gap), example.task.explain_gap(part.name, -gap)
        assert f"{gap:.3f}" in more
        assert f"{gap:.3f}" in fewer
        assert more != fewer
        assert "-" not in more + fewer.replace(part.name, ""), "the direction is said in words"
        assert part.name in more


@each_task
def test_no_rows_are_no_problem(example: Example) -> None:
    truth = pl.Series([], dtype=pl.Float64)
    output = pl.Series([], dtype=example.task.output_dtype)
    assert example.task.losses(truth, output).to_list() == []
    assert example.task.invalid(output).to_list() == []
    assert len(example.task.constant(truth, 0)) == 0
    assert all(len(part.output) == 0 for part in example.task.parts(truth, output))
