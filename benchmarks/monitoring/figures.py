"""What alarms are worth: how many are false, and how soon a change is found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.budget.watch import BUDGET_DAYS
from monitoring.values import Floats

Flags = npt.NDArray[np.bool_]
QUIET_DAYS = MIN_DAYS + 180
AT, HORIZON_DAYS = 91, 60
"""The drift begins on this day, and is to be found within so many days."""
EPISODE_DAYS = 7
"""Alarms that lie closer together count as one."""


def false_alarms(alarms: Flags) -> float:
    """Episodes of alarms in 90 days of nothing."""
    watched = episodes(alarms)[:, MIN_DAYS:]
    return float(watched.sum()) / watched.size * BUDGET_DAYS


def episodes(alarms: Flags) -> Flags:
    """Alarms, those less than `EPISODE_DAYS` after one that counts left out: what lasts is told once a week."""
    counted = np.zeros_like(alarms)
    for day in range(alarms.shape[1]):
        recent = counted[:, max(0, day - EPISODE_DAYS + 1) : day].any(axis=1)
        counted[:, day] = alarms[:, day] & ~recent
    return counted


def lowest_limit(strength: Floats, *, rate: float) -> float:
    """The lowest limit at which there are at most so many false alarms in 90 days."""
    limits = np.append(np.quantile(strength, np.linspace(0.8, 1, 400)), np.inf)
    return float(next(limit for limit in limits if false_alarms(strength > limit) <= rate))


def first_setting(alarms_at: Callable[[float], Flags], settings: tuple[float, ...], *, rate: float) -> float | None:
    """The first of some settings at which there are at most so many false alarms in 90 days; None: at none."""
    return next((setting for setting in settings if false_alarms(alarms_at(setting)) <= rate), None)


def delays(alarms: Flags) -> tuple[float, float]:
    """(median days until the first alarm, share of runs without any) within the horizon; infinite where most runs have
    none."""
    after = alarms[:, AT : AT + HORIZON_DAYS]
    days = np.where(after.any(axis=1), after.argmax(axis=1) + 1, np.inf)
    return float(np.median(days)), float(np.isinf(days).mean())
