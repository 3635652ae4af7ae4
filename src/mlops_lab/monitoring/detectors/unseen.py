"""Detector: the share of values of an input that the training data did not have, of texts."""

from __future__ import annotations

import polars as pl

from mlops_lab.monitoring.detectors.base import Detector
from mlops_lab.monitoring.profile import Profile, bin_shares


def unseen_share(profile: Profile, column: pl.Series) -> float:
    """The share of requests with a text that is none of the profile's categories, less that share in training: a
    profile lists only the most frequent ones. 0 of numbers, whose drift says more."""
    if profile.categories is None:
        return 0.0
    return max(0.0, float(bin_shares(profile, column)[-1]) - profile.shares[-1])


UNSEEN = Detector("unseen", unseen_share, unchanged=lambda _profile: 0.0)
