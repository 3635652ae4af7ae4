"""What a gate is, what it looks at, and the verdict it gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
    """A candidate, the rows held out from its training, and the answers of a simple baseline and of the champion on
    the same rows.

    `blocks` names the block of time that each held-out row lies in: its local calendar day, or, where a share of the
    rows is held out, one of 20 blocks of as many rows. The truth is as the task encodes it. The champion's answers
    are null on rows that it was trained on, and everywhere where there is no champion. `candidate_output` is what the
    candidate answers to the held-out rows. Where the version has learned from these too, it is what its twin answers,
    which has not, and `version_output` is what the version answers. `served` has what the champion
    saw while the held-out rows were requested: the inputs that both define alike, a row for each prediction.
    `same_as` is the champion or the challenger, where it answers by the same plan and the same model, bit for bit.
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
    served: pl.DataFrame = field(default_factory=pl.DataFrame)
    version_output: pl.Series | None = None
    same_as: int | None = None

    @property
    def task(self) -> Task:
        """What both predict."""
        return self.training.task

    @property
    def package_output(self) -> pl.Series:
        """What the package that would be served answers to the held-out rows."""
        return self.candidate_output if self.version_output is None else self.version_output

    @property
    def unseen(self) -> pl.Series:
        """Which held-out rows the champion was not trained on either: both can be compared on these."""
        return self.champion_output.is_not_null()

    def loss_increase(self) -> pl.Series:
        """The candidate's loss less the champion's, on each row that neither was trained on."""
        unseen = self.unseen
        truth = self.training.holdout_truth.filter(unseen)
        candidate = self.task.losses(truth, self.candidate_output.filter(unseen))
        return candidate - self.task.losses(truth, self.champion_output.filter(unseen))


@dataclass(frozen=True)
class GateVerdict:
    """What one gate concludes: whether the candidate passes, why, and the figures behind it (finite numbers)."""

    gate: str
    passed: bool
    reason: str
    evidence: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """A rule that a candidate must pass: the name its verdicts carry, and the pure function that checks it."""

    name: str
    check: Callable[[GateInput], GateVerdict]


def finite(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures without NaN and infinities: evidence is stored as JSON, which has neither."""
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}


def summarise(verdicts: Sequence[GateVerdict]) -> tuple[bool, str]:
    """Whether all passed, and the reasons that count: those of the gates that failed, else all."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    return not failed, "; ".join(verdict.reason for verdict in failed or verdicts)
