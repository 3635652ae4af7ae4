"""Detector: drift of a number as the distance by which its values would have to be moved."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector, is_number_with_sample
from mlops_lab.monitoring.profile import Profile, remember_last, sort_finite_values


@remember_last
def wasserstein(profile: Profile, column: pl.Series) -> float:
    """The first Wasserstein distance of the column from the training sample, in the unit of the input: the area between
    the two distribution functions (Ramdas, Garcia and Cuturi 2017, equation 5). Only finite values count; 0 without
    any, and the largest number there is where the distance is none."""
    values, sample = sort_finite_values(column), np.asarray(profile.sample)
    if not len(values):
        return 0.0
    places = np.searchsorted(values, sample, side="right") + np.arange(len(sample))
    is_sample = np.zeros(len(values) + len(sample), dtype=bool)
    is_sample[places] = True
    both = np.empty(len(is_sample))
    both[places], both[~is_sample] = sample, values
    trained = np.cumsum(is_sample)[:-1]
    actual = np.arange(1, len(both)) - trained
    with np.errstate(over="ignore"):  # the difference of two huge numbers of opposite sign
        steps = np.minimum(np.diff(both), sys.float_info.max)
        area = np.sum(np.abs(trained / len(sample) - actual / len(values)) * steps)
        return float(min(area, sys.float_info.max))


WASSERSTEIN = Detector("wasserstein", wasserstein, unchanged=lambda _profile: 0.0, needs=is_number_with_sample)
