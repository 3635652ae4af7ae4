"""Detector: what did not fit the contract: requests rejected at the door, rows without an answer, rows set aside."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_lab.monitoring.detectors.base import Operations, OperationsDetector
from mlops_lab.monitoring.limits import MIN_ANSWERS


def measure_breaches(seen: Operations) -> Iterator[tuple[str, float | None]]:
    """The share of requests that were rejected, the share of rows that got no answer (each None of fewer than 100), and
    by table the number of rows that were set aside."""
    requests = seen.requests.requests if seen.requests is not None else 0
    rejected = seen.requests.rejected if seen.requests is not None else 0
    yield "rejected requests", rejected / requests if requests >= MIN_ANSWERS else None
    rows = seen.answered + seen.refused
    yield "refused rows", seen.refused / rows if rows >= MIN_ANSWERS else None
    for table, count in seen.set_aside.items():
        yield f"rows for {table}", float(count)


CONTRACT_BREACHES = OperationsDetector("contract_breaches", measure_breaches)
