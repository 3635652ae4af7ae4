"""Validation in the order of time: no row is tested by a model trained on it, or on anything later."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.tuning.folds import Fold, cut_folds, fold_rows

sorted_moments = st.lists(st.integers(0, 60), max_size=200).map(
    lambda values: pl.Series(sorted(values), dtype=pl.Int64)
)


@given(sorted_moments, st.integers(1, 6))
def test_test_rows_come_after_all_training_rows(moments, folds):
    cut = cut_folds(moments, folds)
    assert len(cut) <= folds
    tested = [index for fold in cut for index in range(fold.begin, fold.end)]
    assert len(tested) == len(set(tested)), "each row is tested on once at most"
    for fold in cut:
        assert 0 < fold.begin < fold.end <= len(moments)
        assert moments[fold.begin - 1] < moments[fold.begin], "strictly: not at the same moment either"
        assert fold.begin >= len(moments) // 2


@given(st.integers(8, 300), st.integers(1, 6))
def test_moments_that_all_differ_are_tested_on_from_half_of_them_to_the_end(rows, folds):
    cut = cut_folds(pl.Series(range(rows)), min(folds, rows // 2))
    assert cut[0].begin == rows // 2
    assert cut[-1].end == rows
    assert [fold.end for fold in cut[:-1]] == [fold.begin for fold in cut[1:]]
    sizes = [fold.end - fold.begin for fold in cut]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([], []),
        ([1], []),
        ([1] * 50, []),
        ([1, 2], [Fold(1, 2)]),
        ([1] * 60 + [2] * 20 + [3] * 20, [Fold(60, 80), Fold(80, 100)]),
    ],
)
def test_few_moments_give_few_folds(moments, expected):
    assert cut_folds(pl.Series(moments, dtype=pl.Int64), 4) == expected


def test_the_rows_of_a_fold_are_all_before_those_held_out_for_the_gates(tiny):
    data = tiny.training
    assert data.moments.is_sorted()
    assert data.moments.max() < data.cutoff
    for fold in cut_folds(data.moments):
        rows = fold_rows(data, fold)
        assert rows.inputs.height == len(rows.truth) == len(rows.moments) == fold.begin
        assert rows.holdout_inputs.equals(data.inputs[fold.begin : fold.end])
        assert rows.holdout_truth.equals(data.truth[fold.begin : fold.end])
        assert rows.holdout.is_empty()
