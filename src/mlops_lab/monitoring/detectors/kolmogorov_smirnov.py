"""Detector: drift of a number as the largest distance of its distribution function from that of the training data."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector, is_number_with_sample
from mlops_lab.monitoring.profile import Profile, sort_finite_values


def kolmogorov_smirnov(profile: Profile, column: pl.Series) -> float:
    """The two-sample Kolmogorov-Smirnov statistic: the largest |F - G| of the distribution functions of the training
    sample and of the column, of finite values only; 0 without any (Kolmogorov 1933, Smirnov 1939).

    F is constant between two values of the sample, so the maximum is reached at one of them or just before it.
    """
    values = sort_finite_values(column)
    if not len(values):
        return 0.0
    sample, repeats = np.unique(profile.sample, return_counts=True)
    below, up_to = (np.searchsorted(values, sample, side=side) for side in ("left", "right"))
    trained = np.concatenate([[0], np.cumsum(repeats)]) / repeats.sum()
    before = np.abs(below / len(values) - trained[:-1])
    at = np.abs(up_to / len(values) - trained[1:])
    return float(max(before.max(), at.max()))


KOLMOGOROV_SMIRNOV = Detector(
    "kolmogorov_smirnov", kolmogorov_smirnov, unchanged=lambda _profile: 0.0, needs=is_number_with_sample
)
