"""Detector: by how much answers were too low or too high on average."""

from __future__ import annotations

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.tasks.base import mean_gaps


def measure_gaps(seen: Seen) -> list[tuple[str, float | None]]:
    """The mean truth less the mean answer, for each part of the task; nothing without outcomes."""
    if not seen.joined.height:
        return []
    return list(mean_gaps(seen.task.parts(seen.joined["truth"], seen.joined["output"])).items())


CALIBRATION = AnswerDetector("calibration", measure_gaps)
