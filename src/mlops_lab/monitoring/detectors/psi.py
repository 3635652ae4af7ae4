"""Detector: drift of an input against the training data, as the population stability index over fixed bins."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector
from mlops_lab.monitoring.profile import Profile, all_shares

FLOOR = 1e-4
"""No share counts as less: the logarithm of 0 is no number."""


def psi(profile: Profile, column: pl.Series) -> float:
    """The population stability index: sum over bins of (a - e) ln(a / e), a and e being the actual and the expected
    share of a bin, nulls a bin of their own, no share below 1e-4 (Siddiqi 2006, section 5)."""
    expected, actual = (np.maximum(shares, FLOOR) for shares in all_shares(profile, column))
    return float(np.sum((actual - expected) * np.log(actual / expected)))


PSI = Detector("drift", psi, unchanged=lambda _profile: 0.0)
