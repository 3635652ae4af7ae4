"""What a trigger is, what it looks at, and what it reports when it fires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from mlops_lab.clock import days_after
from mlops_lab.loop.trainings import NO_TRAININGS, ChampionRecord, Trainings
from mlops_lab.project import Project

MIN_OUTCOMES = 50
"""Fewer outcomes prove nothing."""


def _no_labels(_since: datetime) -> int:
    return 0


@dataclass(frozen=True)
class TriggerInput:
    """The moment as of which is decided, the moment of the last training (None: there was none), a function that reads
    the measurements made after some moment, and the champion, whose answers a trigger judges.

    `record` is what was known of the champion when it was accepted (None: nothing, or no trigger asks for it),
    `count_new_labels` tells how many labels have arrived since a moment.
    """

    project: Project
    now: datetime
    last_training: datetime | None
    read_measurements: Callable[[datetime], pl.DataFrame]
    champion: int | None
    record: ChampionRecord | None = None
    trainings: Trainings = NO_TRAININGS
    count_new_labels: Callable[[datetime], int] = _no_labels


@dataclass(frozen=True)
class FiredTrigger:
    """The rule that fired, why, and the figures behind it."""

    rule: str
    reason: str
    evidence: dict[str, float]


@dataclass(frozen=True)
class TriggerWait:
    """From which moment on a trigger can fire, and the condition that must hold then; None: it fires at once."""

    until: datetime
    condition: str | None = None


def wait_for_condition(
    project: Project, last_training: datetime, condition: str, *, cooldown_days: int | None = None
) -> TriggerWait:
    """The end of the cool-down (None: that of all triggers) after the last training; from then on the condition."""
    days = cooldown_days or project.settings.triggers.cooldown_days
    return TriggerWait(days_after(last_training, days, project.timezone), condition)


@dataclass(frozen=True)
class Trigger:
    """A rule that starts a retraining: its name, its check, and what it waits for after the last training.

    `check` returns None where the rule does not fire. `wait` is given the moment of the last training; it returns None
    where the rule cannot fire after a training.
    """

    rule: str
    check: Callable[[TriggerInput], FiredTrigger | None]
    wait: Callable[[Project, datetime], TriggerWait | None]
