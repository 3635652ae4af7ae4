"""Detector: the share of nulls of an input."""

from __future__ import annotations

import polars as pl

from mlops_lab.monitoring.detectors.base import Detector
from mlops_lab.monitoring.profile import Profile, null_share


def measure_nulls(_profile: Profile, column: pl.Series) -> float:
    """The share of nulls among the requests."""
    return null_share(column)


NULLS = Detector("nulls", measure_nulls, unchanged=lambda profile: profile.null_share)
