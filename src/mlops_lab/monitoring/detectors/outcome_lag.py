"""Detector: how late outcomes arrive after their predictions."""

from __future__ import annotations

import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen


def measure_lag(seen: Seen) -> list[tuple[str, float | None]]:
    """The median and the 90th percentile of the hours between prediction and outcome; nothing without outcomes."""
    if not {"predicted_at", "arrived_at"} <= {*seen.joined.columns}:
        return []
    lag = (seen.joined["arrived_at"] - seen.joined["predicted_at"]).dt.total_microseconds().drop_nulls() / 3.6e9
    if lag.is_empty():
        return []
    return [
        (name, lag.cast(pl.Float64).quantile(share, "linear"))
        for name, share in (("p50_hours", 0.5), ("p90_hours", 0.9))
    ]


OUTCOME_LAG = AnswerDetector("outcome_lag", measure_lag)
