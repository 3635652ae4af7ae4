"""Yes or no: the log loss, and what is compared."""

import math

import polars as pl
import pytest

from mlops_lab.tasks.binary import Binary

TASK = Binary()
TRUTH = TASK.encode(pl.Series([True, False, True]))


def test_log_losses_by_example():
    losses = TASK.losses(pl.Series([1, 0, 1], dtype=pl.Int8), pl.Series([0.5, 0.25, 0.0]))
    assert losses.to_list() == pytest.approx([math.log(2), -math.log(0.75), -math.log(1e-15)])


def test_truth_is_one_where_the_label_is_true():
    assert TRUTH.to_list() == [1.0, 0.0, 1.0]


def test_the_constant_answer_is_the_rate_of_yes_and_costs_something():
    output = TASK.constant(TRUTH, 3)
    assert output.to_list() == pytest.approx([2 / 3] * 3)
    assert TASK.losses(TRUTH, output).mean() > 0


def test_answers_outside_zero_and_one_are_invalid():
    assert TASK.invalid(pl.Series([-0.1, 1.1, math.nan, None], dtype=pl.Float64)).all()
    assert not TASK.invalid(pl.Series([0.0, 0.5, 1.0])).any()


def test_a_gap_in_words():
    assert TASK.explain_gap("", 0.1) == "0.100 more of the requests ended true than was predicted"
