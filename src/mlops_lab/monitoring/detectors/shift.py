"""Detector: how far the values of a number have moved from the training data, whatever its unit is."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector, is_number_with_sample
from mlops_lab.monitoring.detectors.wasserstein import wasserstein
from mlops_lab.monitoring.profile import Profile


def measure_shift(profile: Profile, column: pl.Series) -> float:
    """The Wasserstein distance from the training sample, in standard deviations of the sample; where all its values are
    equal, as a share of that value.

    Distances of bins end where no value is in a bin of training any more, as on many days of a number that moves with
    the seasons. This one grows on.
    """
    sample = np.asarray(profile.sample)
    with np.errstate(over="ignore"):  # huge numbers
        # the deviation of equal values is not always 0: their mean is rounded
        scale = float(sample.std() if sample[0] < sample[-1] else abs(sample[0])) or 1.0
        return float(min(wasserstein(profile, column) / scale, sys.float_info.max))


SHIFT = Detector("shift", measure_shift, unchanged=lambda _profile: 0.0, needs=is_number_with_sample)
