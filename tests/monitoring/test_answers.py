"""Answers are computed again: to the bit where the engine is exact, else within the tolerance of the package."""

from types import SimpleNamespace

import polars as pl
import pytest

from mlops_lab.monitoring.answers import answer_again, find_other_answers


def predictor(tmp_path, *, exact: bool, scale: float = 1.0, tolerance: float | None = None) -> SimpleNamespace:
    if tolerance is not None:
        report = f'{{"engine": "x", "rows": 1, "differing": 0, "largest": 0.0, "tolerance": {tolerance}}}'
        (tmp_path / "agreement.json").write_text(report)
    return SimpleNamespace(package=tmp_path, engine=SimpleNamespace(exact=exact), plan=SimpleNamespace(scale=scale))


def other(version, served: list, computed: list) -> list[bool]:
    left, right = pl.Series(served, strict=False), pl.Series(computed, strict=False)
    return find_other_answers(version, left, right).to_list()


def test_what_was_served_is_answered_again_to_the_bit(tiny):
    inputs = tiny.training.holdout_inputs
    served = pl.Series(tiny.predictor.score_rows(inputs.rows()))
    logged = inputs.with_columns(pl.col(pl.Int8).cast(pl.Float64))
    computed = answer_again(tiny.predictor, logged)
    assert not find_other_answers(tiny.predictor, served, computed).any()
    nothing = pl.Series([None] * len(served), dtype=pl.Float64)
    assert find_other_answers(tiny.predictor, nothing, computed).all()


def test_an_exact_engine_has_no_tolerance(tmp_path):
    exact = predictor(tmp_path, exact=True, tolerance=0.5)
    nan = float("nan")
    assert other(exact, [0.1, 0.1, 0.0, nan, nan, None], [0.1, 0.1 + 2e-17, -0.0, nan, 0.1, 0.1]) == [
        False,
        0.1 + 2e-17 != 0.1,
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("tolerance", "expected"), [(1e-3, [False, True]), (1e-1, [False, False]), (None, [True, True])]
)
def test_another_engine_has_the_tolerance_of_its_package(tmp_path, tolerance, expected):
    inexact = predictor(tmp_path, exact=False, tolerance=tolerance)
    assert other(inexact, [0.5001, 0.51], [0.5, 0.5]) == expected


def test_a_tolerance_is_in_units_of_the_scale(tmp_path):
    inexact = predictor(tmp_path, exact=False, scale=100.0, tolerance=1e-3)
    assert other(inexact, [5.05, 5.2], [5.0, 5.0]) == [False, True]


def test_each_class_counts(tmp_path):
    exact = predictor(tmp_path, exact=True)
    computed = [[0.2, 0.8], [0.2, 0.8], [0.2, 0.8], [0.2, 0.8]]
    assert other(exact, [[0.2, 0.8], [0.2, 0.7], [0.2], [0.2, 0.8, 0.0]], computed) == [False, True, True, True]
    assert other(exact, [0.2, 0.2, 0.2, 0.2], computed) == [True] * 4
    assert other(predictor(tmp_path, exact=False, tolerance=0.1), [[0.2, 0.8], [0.2, 0.95]], computed[:2]) == [
        False,
        True,
    ]


def test_answers_of_another_type_differ(tmp_path):
    assert other(predictor(tmp_path, exact=True), ["0.5", "x"], [0.5, 0.5]) == [False, True]
