"""Decoded requests before they are answered: their ids and their times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops_lab import clock
from mlops_lab.outcomes.prediction_index import PredictionIndex

Row = dict[str, Any]


def fill_times(rows: list[Row], time: str) -> list[Row]:
    """The same requests, with the current time in the column `time` where they have none."""
    if None not in [row[time] for row in rows]:
        return rows
    return [row if row[time] else {**row, time: clock.now()} for row in rows]


def find_new(names: Sequence[str], rows: Sequence[Row], *, index: PredictionIndex) -> dict[str, Row]:
    """By id, the first request with it, if it was not answered before."""
    new: dict[str, Row] = {}
    for name, row in zip(names, rows, strict=True):
        if not index.contains(name):
            new.setdefault(name, row)
    return new
