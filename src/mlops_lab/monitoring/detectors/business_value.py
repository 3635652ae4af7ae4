"""Detector: what the answers were worth, in the unit that `[ab]` declares."""

from __future__ import annotations

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.tasks.base import mean_of


def measure_value(seen: Seen) -> list[tuple[str, float | None]]:
    """The mean value of an answer whose outcome arrived; and by how much it is above what the answers' own
    probabilities let expect, where those say it. Nothing where `[ab]` declares no value."""
    if "value" not in seen.joined.columns:
        return []
    valued = seen.joined.filter(seen.joined["value"].is_not_null())
    if valued.is_empty():
        return []
    mean = mean_of(valued["value"])
    if "expected_value" not in valued.columns:
        return [("mean", mean)]
    return [("mean", mean), ("excess", mean_of(valued["value"] - valued["expected_value"]))]


BUSINESS_VALUE = AnswerDetector("business_value", measure_value)
