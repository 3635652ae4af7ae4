"""E-values as numbers."""

from math import inf, isfinite, log

import pytest

from mlops_lab.rollout.evidence.e_values import to_e_value


def test_an_e_value_is_a_finite_number() -> None:
    assert to_e_value(log(20.0)) == pytest.approx(20)
    assert to_e_value(-inf) == 0
    assert isfinite(to_e_value(inf))
