"""Detector: the share of a number's values that training did not have; in another unit, hardly any is a known one."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector, is_number_with_sample
from mlops_lab.monitoring.profile import Profile, sort_finite_values


def measure_new_values(profile: Profile, column: pl.Series) -> float:
    """The share of the finite values that are not in the training sample; 0 without any.

    Counts, minutes and readings of gauges are round in their unit, and take few values. Of a number that takes very
    many, nearly all are new every day, which is then usual.
    """
    values, known = sort_finite_values(column), np.unique(profile.sample)
    if not len(values):
        return 0.0
    first, end = (np.searchsorted(values, known, side=side) for side in ("left", "right"))
    return 1.0 - float(np.sum(end - first)) / len(values)


NEW_VALUES = Detector("new_values", measure_new_values, unchanged=lambda _profile: 0.0, needs=is_number_with_sample)
"""All of the training data is in its sample where it has few rows."""
