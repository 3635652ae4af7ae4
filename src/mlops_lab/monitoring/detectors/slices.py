"""Detectors: how good the answers were to some of the requests: those of one carrier, those of one shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.monitoring.detectors.excess_loss import measure_excess
from mlops_lab.monitoring.detectors.skill import measure_skill
from mlops_lab.tasks.base import mean_of

SLICE = "slice "
"""`Seen.joined` has a column with this prefix for each field of `gates.slices`."""
MIN_ROWS = 100
"""Of a group with fewer outcomes in the window too little is known."""
MAX_GROUPS = 20
"""The largest groups of a field are measured."""
_Measure = Callable[[Seen], list[tuple[str, float | None]]]


def _of_slices(measure: _Measure) -> Callable[[Seen], Iterator[tuple[str, float | None]]]:
    """The measure of each group of each field, by `FIELD=VALUE`."""

    def measure_slices(seen: Seen) -> Iterator[tuple[str, float | None]]:
        for name, rows in split(seen.joined):
            for _, value in measure(replace(seen, joined=rows)):
                yield name, value

    return measure_slices


def split(joined: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """(`FIELD=VALUE`, its rows) of the groups that are large enough."""
    for column in joined.columns:
        if column.startswith(SLICE):
            counts = joined[column].drop_nulls().value_counts().filter(pl.col("count") >= MIN_ROWS)
            largest = counts.sort(["count", column], descending=[True, False]).head(MAX_GROUPS)
            for value in largest[column]:
                yield f"{column.removeprefix(SLICE)}={value}", joined.filter(pl.col(column) == value)


def _measure_rmse(seen: Seen) -> list[tuple[str, float | None]]:
    if seen.task.kind != "regression":
        return []
    return [("rmse", mean_of((seen.joined["output"] - seen.joined["truth"]) ** 2) ** 0.5)]


SLICE_EXCESS_LOSS = AnswerDetector("slice_excess_loss", _of_slices(measure_excess))
SLICE_SKILL = AnswerDetector("slice_skill", _of_slices(measure_skill))
SLICE_RMSE = AnswerDetector("slice_rmse", _of_slices(_measure_rmse))
