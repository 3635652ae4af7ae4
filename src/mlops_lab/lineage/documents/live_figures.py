"""What was measured of the answers of a version, over all days on which it answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.monitoring.measure import as_known_now, measurements_of
from mlops_lab.tables.declared import MEASUREMENTS

QUALITY, CALIBRATION = "quality", "calibration"
SLICES = {
    "slice_excess_loss": "excess loss (above what its own probabilities expect)",
    "slice_skill": "skill (gain over the best constant answer of the day)",
    "slice_rmse": "rmse",
}
"""By monitor of groups of requests, what it measures."""
_WINDOW = ["at", "role"]
_SQUARED = {"rmse"}
"""Their squares add up, they do not."""


@dataclass(frozen=True)
class LiveFigure:
    """A measure of a version's answers over some days: the mean, each day weighted by its outcomes.

    `monitor` is what was measured, as in the table `measurements`, and `name` the measure, the class or the slice
    (`origin=JFK`; days count alike there). `lowest` and `highest` are those of single days.
    """

    monitor: str
    name: str
    value: float
    lowest: float
    highest: float
    days: int
    outcomes: int


def read_live_figures(lake: Lake, version: int) -> list[LiveFigure]:
    """The figures of a version's answers as champion or canary; none where no outcome has been measured."""
    if not MEASUREMENTS.exists(lake):
        return []
    return summarise_figures(measurements_of(as_known_now(MEASUREMENTS.read(lake)), version))


def summarise_figures(measured: pl.DataFrame) -> list[LiveFigure]:
    """The figures of rows of `measurements` about one version."""
    outcomes = measured.filter(pl.col("monitor") == "volume", pl.col("name") == "outcomes")
    wanted = measured.filter(pl.col("monitor").is_in([QUALITY, CALIBRATION, *SLICES]))
    joined = wanted.join(outcomes.select(*_WINDOW, outcomes="value"), on=_WINDOW, nulls_equal=True)
    groups = joined.filter(pl.col("outcomes") > 0).sort("monitor", "name", "at", "role")
    return [
        _summarise(str(monitor), str(name), group)
        for (monitor, name), group in groups.group_by("monitor", "name", maintain_order=True)
    ]


def _summarise(monitor: str, name: str, group: pl.DataFrame) -> LiveFigure:
    values, outcomes = group["value"].to_list(), group["outcomes"].to_list()
    return LiveFigure(
        monitor=monitor,
        name=name,
        value=_mean(name, values, [1.0] * len(values) if monitor in SLICES else outcomes),
        lowest=min(values),
        highest=max(values),
        days=group["at"].n_unique(),
        outcomes=int(sum(outcomes)),
    )


def _mean(name: str, values: Sequence[float], weights: Sequence[float]) -> float:
    power = 2 if name in _SQUARED else 1
    total = sum(weight * value**power for weight, value in zip(weights, values, strict=True))
    return float((total / sum(weights)) ** (1 / power))
