"""Detector: how good the answers were whose outcomes arrived."""

from __future__ import annotations

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.monitoring.quality import quality


def measure_quality_of(seen: Seen) -> list[tuple[str, float | None]]:
    """The usual measures of the task; nothing without outcomes."""
    if not seen.joined.height:
        return []
    return list(quality(seen.task, seen.joined["truth"], seen.joined["output"]).items())


QUALITY = AnswerDetector("quality", measure_quality_of)
