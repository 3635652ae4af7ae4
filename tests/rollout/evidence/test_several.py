"""Several arms, and the rollouts of a year."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from mlops_lab.rollout.evidence.bets import Floats
from mlops_lab.rollout.evidence.several import expected_false_promotions, select_arms, split_alpha


@given(arrays(np.float64, st.integers(1, 8), elements=st.floats(-3, 8)))
def test_equals_benjamini_and_hochberg_on_one_over_e(log_e: Floats) -> None:
    p_values = np.minimum(1, np.exp(-log_e))
    assert np.array_equal(select_arms(log_e, alpha=0.05), stats.false_discovery_control(p_values) <= 0.05)


def test_one_arm_needs_one_over_alpha() -> None:
    assert select_arms(np.log([20.1]), alpha=0.05).all()
    assert not select_arms(np.log([19.9]), alpha=0.05).any()
    assert select_arms(np.log([41.0, 29.0, 1.0]), alpha=0.05).tolist() == [False, False, False]
    assert select_arms(np.log([61.0, 30.1, 1.0]), alpha=0.05).tolist() == [True, True, False]


def test_levels() -> None:
    assert split_alpha(0.05, 5) == pytest.approx(0.01)
    assert expected_false_promotions(0.05, rollouts=12) == pytest.approx(0.6)
