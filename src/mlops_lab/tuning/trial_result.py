"""The result of one trial, and the tags of its run. Light: no Optuna, no MLflow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

STUDY, KIND, TRIAL = "study", "kind", "trial"
"""Tags: the name of the study; whether a run is that of the study or of a trial; the number of the trial."""
DVC = "dvc"
"""The kind of a run that holds what a DVC repository says of its own pipeline."""


def kind_of(tags: Mapping[str, str]) -> str:
    """The kind of a run, by its tags: "training", "study", "trial" or "dvc"."""
    return TRIAL if TRIAL in tags else tags.get(KIND, "training")


@dataclass(frozen=True)
class TrialResult:
    """The parameters of one trial, and its loss on each fold that it was tested on.

    `state`: "finished", "pruned" (stopped early, because it was worse than most), "failed" (for the reason in `error`).
    """

    number: int
    state: str
    parameters: dict[str, Any]
    folds: list[float]
    seconds: float
    error: str | None = None

    @property
    def loss(self) -> float:
        """The mean over its folds; NaN where there is none."""
        return fmean(self.folds) if self.folds else math.nan
