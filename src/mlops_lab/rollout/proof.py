"""What the days of a rollout prove about its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from mlops_lab.project import Project
from mlops_lab.rollout.evidence.e_values import to_e_value
from mlops_lab.rollout.evidence.paired import weigh_gains
from mlops_lab.tasks.base import Task, say_difference


@dataclass(frozen=True)
class DailyGains:
    """By day of a rollout, in order: the mean of champion's loss - challenger's, how many requests it is the mean of,
    and when the day ended."""

    gains: npt.NDArray[np.float64]
    rows: npt.NDArray[np.float64]
    ends: Sequence[datetime] = ()


NO_DAYS = DailyGains(np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Proof:
    """What some days prove at the level `alpha`: that the candidates are better (or not worse by the margin), or that
    they are worse.

    `e_value`: the evidence, and `largest` the most that there was; what is said is proved once it has reached
    1 / `alpha`, and stays so. `gain`: the mean of the days.
    """

    days: int
    gain: float
    e_value: float
    alpha: float
    is_proved: bool
    is_worse: bool
    largest: float = 1.0

    @property
    def evidence(self) -> dict[str, float]:
        """The figures for a decision."""
        return {"days": float(self.days), "gain": self.gain, "e_value": self.e_value, "alpha": self.alpha}

    def say(self, task: Task) -> str:
        """The figures in words."""
        if not self.days:
            return "no day with outcomes yet"
        difference = say_difference(self.gain, per=" a day")
        compared = f"{task.loss_name} {difference} than the champion's over {self.days} days"
        was = f", and was {self.largest:.3g}," if self.e_value < 1 / self.alpha <= self.largest else ""
        return f"{compared} (e = {self.e_value:.3g}{was} of {1 / self.alpha:.3g})"


def weigh(project: Project, daily: DailyGains, *, margin: float | None = None) -> Proof:
    """What the days prove, by `[rollout] alpha` and `margin` (None: as `prove` asks for)."""
    settings = project.settings.rollout
    if not daily.gains.size:
        return Proof(0, 0.0, 1.0, settings.alpha, is_proved=False, is_worse=False)
    better = weigh_gains(
        daily.gains, alpha=settings.alpha, margin=settings.allowed_loss if margin is None else margin, rows=daily.rows
    )
    worse = weigh_gains(-daily.gains, alpha=settings.alpha, rows=daily.rows)
    return Proof(
        days=daily.gains.size,
        gain=float(better.mean[-1]),
        e_value=to_e_value(float(better.log_e[-1])),
        alpha=settings.alpha,
        is_proved=bool(better.is_proved[-1]),
        is_worse=bool(worse.is_proved[-1]),
        largest=to_e_value(float(better.log_e.max())),
    )
