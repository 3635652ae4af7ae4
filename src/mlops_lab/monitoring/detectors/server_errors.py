"""Detector: how many requests for predictions ended with an error of the server."""

from __future__ import annotations

from mlops_lab.monitoring.detectors.base import Operations, OperationsDetector
from mlops_lab.monitoring.limits import MIN_ANSWERS


def measure_errors(seen: Operations) -> list[tuple[str, float | None]]:
    """The share of requests that failed; nothing of fewer than 100."""
    if seen.requests is None or seen.requests.requests < MIN_ANSWERS:
        return []
    return [("requests", seen.requests.failed / seen.requests.requests)]


SERVER_ERRORS = OperationsDetector("server_errors", measure_errors)
