"""Several arms, and the rollouts of a year."""

from __future__ import annotations

import pytest

from mlops_lab.rollout.evidence.several import expected_false_promotions, split_alpha


def test_levels() -> None:
    assert split_alpha(0.05, 5) == pytest.approx(0.01)
    assert expected_false_promotions(0.05, rollouts=12) == pytest.approx(0.6)
