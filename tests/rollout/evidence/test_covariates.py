"""CUPED."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_lab.rollout.evidence.covariates import adjust_for_history


def test_variance_falls_by_the_squared_correlation_and_the_mean_stays() -> None:
    rng = np.random.default_rng(0)
    history = rng.normal(3, 2, 5_000)
    outcomes = 0.5 * history + rng.normal(0, 1, 5_000)
    adjusted = adjust_for_history(outcomes, history)
    correlation = np.corrcoef(outcomes, history)[0, 1]
    assert adjusted.mean() == pytest.approx(outcomes.mean())
    assert adjusted.var() == pytest.approx(outcomes.var() * (1 - correlation**2))
    # the residuals of a least-squares line, from the mean
    slope, start = np.polyfit(history, outcomes, 1)
    assert adjusted - outcomes.mean() == pytest.approx(outcomes - start - slope * history)


def test_keys_without_history_stay_as_they_are() -> None:
    outcomes = np.array([1.0, 2.0, 4.0, 9.0])
    adjusted = adjust_for_history(outcomes, np.array([0.0, 1.0, 2.0, np.nan]))
    assert adjusted[3] == 9.0
    assert adjusted.mean() == pytest.approx(outcomes.mean())


@pytest.mark.parametrize("history", [[5.0, 5.0, 5.0], [np.nan, np.nan, 1.0]])
def test_nothing_to_learn_from(history: list[float]) -> None:
    outcomes = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(adjust_for_history(outcomes, np.array(history)), outcomes)
