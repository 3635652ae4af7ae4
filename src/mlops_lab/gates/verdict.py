"""What a gate looks at, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from mlops_lab.project import Project
from mlops_lab.serving.predictor import Predictor
from mlops_lab.training.training_set import TrainingSet


@dataclass(frozen=True)
class Trial:
    """A candidate, the days it has not seen, and the champion's answers on the same days.

    `days` is the local calendar day of each held-out row. The champion's answers stand only on rows it has not
    learned from either; they are null on the others, and everywhere where there is no champion.
    """

    project: Project
    candidate: Predictor
    training: TrainingSet
    days: pl.Series
    candidate_output: pl.Series
    trained_output: pl.Series
    champion_version: int | None
    champion_output: pl.Series


@dataclass(frozen=True)
class GateVerdict:
    """One gate's word: whether it lets the candidate through, why, and the figures behind it."""

    gate: str
    passed: bool
    reason: str
    evidence: dict[str, float] = field(default_factory=dict)


def summarise(verdicts: Sequence[GateVerdict]) -> tuple[bool, str]:
    """Whether all passed, and the reasons that count: those of the gates that failed, else all."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    return not failed, "; ".join(verdict.reason for verdict in failed or verdicts)
