"""Detector: drift of an input as Pearson's statistic of its bins beside those of the training data."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.base import Detector, is_counted
from mlops_lab.monitoring.profile import Profile, all_shares


def chi_squared(profile: Profile, column: pl.Series) -> float:
    """Pearson's chi-squared statistic of homogeneity of the counts in the bins (nulls are one of them) of training and
    column, without a correction for continuity; 0 of an empty column (Pearson 1900).

    About as large as the number of bins less one where nothing has changed, whatever the number of rows.
    """
    shares = np.stack(all_shares(profile, column))
    counts = np.rint(shares * [[profile.rows], [len(column)]])
    counts = counts[:, counts.sum(axis=0) > 0]
    rows = counts.sum(axis=1)
    if not rows.all():
        return 0.0
    expected = np.outer(rows, counts.sum(axis=0)) / rows.sum()
    return float(np.sum((counts - expected) ** 2 / expected))


CHI_SQUARED = Detector("chi_squared", chi_squared, unchanged=lambda _profile: 0.0, needs=is_counted)
