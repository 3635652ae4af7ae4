"""Detector: how many requests were answered, and how many outcomes arrived."""

from __future__ import annotations

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen


def count_rows(seen: Seen) -> list[tuple[str, float | None]]:
    """The numbers of predictions and of outcomes."""
    return [("predictions", float(seen.answered.height)), ("outcomes", float(seen.joined.height))]


VOLUME = AnswerDetector("volume", count_rows)
