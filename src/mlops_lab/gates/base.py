"""What a gate looks at, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from mlops_lab.inference.predictor import Predictor
from mlops_lab.project import Project
from mlops_lab.tasks.base import Task
from mlops_lab.training.agreement import Agreement
from mlops_lab.training.baseline import Baseline
from mlops_lab.training.training_set import TrainingSet


@dataclass(frozen=True)
class GateInput:
    """A candidate, the days it has not seen, and the answers of a simple baseline and of the champion on the same days.

    `blocks` names the stretch of time that each held-out row lies in: its local calendar day, or, where a share of the
    rows is held out, one of 20 stretches of as many rows. `truth` is as the task encodes it. The champion's answers
    stand only on rows it has not learned from either; they are null on the others, and everywhere where there is no
    champion.
    """

    project: Project
    candidate: Predictor
    training: TrainingSet
    blocks: pl.Series
    agreement: Agreement
    candidate_output: pl.Series
    baseline: Baseline
    champion_version: int | None
    champion_output: pl.Series

    @property
    def task(self) -> Task:
        """What both predict."""
        return self.training.task

    def harms(self) -> pl.Series:
        """How much more the candidate's answers cost than the champion's, on each row that neither has seen."""
        unseen = self.champion_output.is_not_null()
        truth = self.training.holdout_truth.filter(unseen)
        candidate = self.task.losses(truth, self.candidate_output.filter(unseen))
        return candidate - self.task.losses(truth, self.champion_output.filter(unseen))


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
