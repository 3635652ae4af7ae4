"""Detector: how long ago the last request was answered, and the last outcome arrived, when the window ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen

_HOUR = timedelta(hours=1)


def measure_age(seen: Seen) -> list[tuple[str, float | None]]:
    """Hours from the newest prediction, and from the newest outcome, to the end of the window; the whole window where
    there was none."""
    return [
        ("predictions_hours", _hours_since(seen, seen.answered, "at")),
        ("outcomes_hours", _hours_since(seen, seen.joined, "arrived_at")),
    ]


def _hours_since(seen: Seen, rows: pl.DataFrame, column: str) -> float:
    newest = rows[column].max() if column in rows.columns else None
    return (seen.window.end - newest) / _HOUR if isinstance(newest, datetime) else seen.window.hours


FRESHNESS = AnswerDetector("freshness", measure_age)
