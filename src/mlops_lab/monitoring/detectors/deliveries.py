"""Detector: how many rows were sent to each table."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_lab.monitoring.detectors.base import Operations, OperationsDetector


def count_deliveries(seen: Operations) -> Iterator[tuple[str, float | None]]:
    """By table, the number of rows that were sent. Outcomes of requests do not count: those of the source table are
    rows that no request belongs to."""
    for table, rows in seen.sent.items():
        yield table, float(rows)


DELIVERIES = OperationsDetector("deliveries", count_deliveries)
