"""The estimate of the quality before outcomes: its stated error holds, or it is switched off."""

import numpy as np
import pytest

from mlops_lab.monitoring.estimate import MIN_DAYS, judge


def test_a_steady_error_is_taken_off_and_the_rest_is_stated():
    errors = 0.05 + np.random.default_rng(1).normal(0, 0.01, 60)
    found = judge(0.4, errors)
    assert found is not None
    assert found.value == pytest.approx(0.35, abs=0.01)
    assert 0.01 < found.error < 0.03
    assert found.is_honest


def test_what_was_stated_holds_on_most_days():
    rng = np.random.default_rng(2)
    coverage = [found.coverage for _ in range(200) if (found := judge(0.4, rng.normal(0, 1, 56))) is not None]
    assert np.mean([share for share in coverage if share is not None]) == pytest.approx(0.89, abs=0.04)


def test_an_error_that_grows_switches_it_off():
    errors = np.concatenate([np.random.default_rng(3).normal(0, 0.01, 40), np.linspace(0, 0.4, 25)])
    found = judge(0.4, errors)
    assert found is not None
    assert found.coverage is not None
    assert found.coverage < 0.5
    assert not found.is_honest


def test_with_too_few_outcomes_nothing_is_stated():
    assert judge(0.4, np.full(40, np.nan)) is None
    assert judge(0.4, np.zeros(MIN_DAYS - 1)) is None
    young = judge(0.4, np.zeros(MIN_DAYS + 3))
    assert young is not None
    assert not young.is_honest, "nobody knows yet"
