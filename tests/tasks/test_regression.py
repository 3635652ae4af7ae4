"""A number: the squared error in units of its scale."""

import math

import numpy as np
import polars as pl
import pytest

from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.regression import Regression, scale_of

TASK = Regression(2.0)
TRUTH = TASK.encode(pl.Series([1.5, -2.0, 7.0]))


def test_squared_errors_by_example():
    assert TASK.losses(pl.Series([1.0, 5.0]), pl.Series([3.0, 1.0])).to_list() == [1.0, 4.0]


def test_the_mean_of_a_number_costs_one():
    rng = np.random.default_rng(1)
    truth = pl.Series(rng.normal(50, 9, 4000))
    task = make_task("regression", scale=scale_of("regression", truth))
    assert task.losses(truth, task.constant(truth, 4000)).mean() == pytest.approx(1.0, abs=1e-3)


def test_the_scale_is_one_where_there_is_none():
    assert scale_of("regression", pl.Series([3.0, 3.0])) == 1.0
    assert scale_of("binary", pl.Series([0.0, 1.0])) == 1.0
    assert scale_of("regression", pl.Series([], dtype=pl.Float64)) == 1.0


def test_the_constant_answer_is_the_mean_and_costs_something():
    output = TASK.constant(TRUTH, 3)
    assert output.to_list() == pytest.approx([6.5 / 3] * 3)
    assert TASK.losses(TRUTH, output).mean() > 0


def test_answers_that_are_no_finite_number_are_invalid():
    assert TASK.invalid(pl.Series([math.nan, math.inf, None], dtype=pl.Float64)).all()
    assert not TASK.invalid(pl.Series([0.0, -1e300])).any()


def test_the_part_is_in_units_of_the_scale():
    (part,) = TASK.parts(TRUTH, pl.Series([2.0, 2.0, 2.0]))
    assert part.truth.to_list() == [0.75, -1.0, 3.5]
    assert part.output.to_list() == [1.0, 1.0, 1.0]


def test_a_gap_in_words():
    assert "0.500 standard deviations below" in Regression().explain_gap("", -0.5)
