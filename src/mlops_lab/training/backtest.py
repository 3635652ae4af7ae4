"""Candidate against champion on days that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

from mlops_lab.training.losses import row_losses


@dataclass(frozen=True)
class DayTest:
    """The mean over days of (champion's loss - candidate's), positive where the candidate is better; its one-sided
    p-value under "not better"; the number of days."""

    gain: float
    p_value: float
    days: int


def daily_gains(
    days: pl.Series, truth: pl.Series, *, champion: pl.Series, candidate: pl.Series
) -> npt.NDArray[np.float64]:
    """Per day, in order, the mean of (champion's loss - candidate's) over that day's rows."""
    gain = row_losses(truth, champion) - row_losses(truth, candidate)
    frame = pl.DataFrame({"day": days, "gain": gain})
    return frame.group_by("day").agg(pl.col("gain").mean()).sort("day")["gain"].to_numpy()


def compare_days(gains: npt.NDArray[np.float64]) -> DayTest:
    """A paired one-sided t-test with the day as its block: rows of one day share their weather and are not independent.

    Student's t on the daily means (Student 1908); meant for one look at a fixed number of days.
    """
    days = len(gains)
    mean = float(np.mean(gains)) if days else 0.0
    spread = float(np.std(gains, ddof=1)) if days > 1 else 0.0
    if not spread > 0.0:  # no days, one day, two models that answer alike, or no number: nothing is proved
        return DayTest(mean, 1.0, days)
    t = mean / (spread / np.sqrt(days))
    return DayTest(mean, float(stats.t.sf(t, days - 1)), days)
