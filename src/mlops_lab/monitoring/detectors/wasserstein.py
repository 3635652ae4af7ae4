"""Detector: drift of a number as the distance by which its values would have to be moved."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector, is_number_with_sample
from mlops_lab.monitoring.profile import Profile, finite_values


def wasserstein(profile: Profile, column: pl.Series) -> float:
    """The first Wasserstein distance of the column from the training sample, in the unit of the input: the area between
    the two distribution functions (Ramdas, Garcia and Cuturi 2017, equation 5). Only finite values count; 0 without
    any, and the largest number there is where the distance is none."""
    values = finite_values(column)
    if not len(values):
        return 0.0
    values, sample = np.sort(values), np.asarray(profile.sample)
    both = np.sort(np.concatenate([values, sample]))
    trained = np.searchsorted(sample, both[:-1], side="right") / len(sample)
    actual = np.searchsorted(values, both[:-1], side="right") / len(values)
    with np.errstate(over="ignore"):  # the difference of two huge numbers of opposite sign
        steps = np.minimum(np.diff(both), sys.float_info.max)
        return float(min(np.sum(np.abs(trained - actual) * steps), sys.float_info.max))


WASSERSTEIN = Detector("wasserstein", wasserstein, unchanged=lambda _profile: 0.0, needs=is_number_with_sample)
