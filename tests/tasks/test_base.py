"""What the tasks share: columns of answers, gaps and means."""

import math

import numpy as np
import polars as pl
import pytest

from mlops_lab.tasks.base import LISTS, Part, mean_gaps, mean_of, to_series


def test_answers_of_any_shape_are_a_column():
    assert to_series(np.array([0.25, 0.5])).to_list() == [0.25, 0.5]
    assert to_series(np.array([[0.25, 0.75]])).to_list() == [[0.25, 0.75]]
    assert to_series(np.empty((0, 2))).dtype == LISTS


def test_a_gap_is_the_mean_of_the_truth_less_that_of_the_answers():
    parts = [
        Part("a", pl.Series([1.0, 0.0]), pl.Series([0.25, 0.25])),
        Part("b", pl.Series([0.0, 1.0]), pl.Series([0.75, 0.75])),
    ]
    assert mean_gaps(parts) == pytest.approx({"a": 0.25, "b": -0.25})


def test_the_mean_of_no_values_is_not_a_number():
    assert mean_of(pl.Series([1, 2])) == 1.5
    assert math.isnan(mean_of(pl.Series([], dtype=pl.Float64)))
    assert math.isnan(mean_of(pl.Series([None], dtype=pl.Float64)))
