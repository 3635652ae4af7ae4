"""Detector: how long requests for predictions took, from their arrival to the response."""

from __future__ import annotations

import numpy as np

from mlops_lab.monitoring.detectors.base import Operations, OperationsDetector, RequestCounts
from mlops_lab.monitoring.limits import MIN_ANSWERS

_SHARES = {"p50_ms": 0.5, "p99_ms": 0.99}


def measure_latency(seen: Operations) -> list[tuple[str, float | None]]:
    """The median and the 99th percentile in milliseconds; nothing of fewer than 100 requests."""
    if seen.requests is None or seen.requests.requests < MIN_ANSWERS:
        return []
    return [(name, 1000 * quantile_seconds(seen.requests, share)) for name, share in _SHARES.items()]


def quantile_seconds(counts: RequestCounts, share: float) -> float:
    """The time within which this share of requests was answered, as if those of a bucket were evenly spread in it (like
    Prometheus' `histogram_quantile`); those beyond the last bound count as that long."""
    bounds = np.array([0.0, *counts.bounds_seconds, counts.bounds_seconds[-1]])
    until = np.concatenate([[0], np.cumsum(counts.buckets)])
    place = int(np.searchsorted(until, share * until[-1], side="left"))
    below = max(place - 1, 0)
    part = (share * until[-1] - until[below]) / max(until[place] - until[below], 1)
    return float(bounds[below] + part * (bounds[place] - bounds[below]))


LATENCY = OperationsDetector("latency", measure_latency)
