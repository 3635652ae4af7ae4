"""Detector: drift of an input as the Jensen-Shannon distance of its bins from those of the training data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector
from mlops_lab.monitoring.profile import Profile, all_shares


def jensen_shannon(profile: Profile, column: pl.Series) -> float:
    """The square root of the Jensen-Shannon divergence in bits: 0 where the shares of the bins (nulls are one of them)
    are equal, 1 where they have none in common. 0 of an empty column.

    sqrt((KL(e, m) + KL(a, m)) / 2) with m = (e + a) / 2 (Lin 1991; Endres and Schindelin 2003 for the distance).
    """
    expected, actual = all_shares(profile, column)
    if not expected.sum() or not actual.sum():
        return 0.0
    expected, actual = expected / expected.sum(), actual / actual.sum()
    middle = (expected + actual) / 2
    divergence = (_relative_entropy(expected, middle) + _relative_entropy(actual, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def _relative_entropy(shares: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    present = shares > 0
    return float(np.sum(shares[present] * np.log2(shares[present] / others[present])))


JENSEN_SHANNON = Detector("jensen_shannon", jensen_shannon, unchanged=lambda _profile: 0.0)
