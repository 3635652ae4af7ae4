"""The first step of a tick: what is known at a moment, to decide on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import read_between, task_of
from mlops_lab.loop.measure_day import MeasuredDay
from mlops_lab.loop.new_labels import count_new_labels
from mlops_lab.loop.rollout_evidence import no_pairs, read_gains, rollout_pairs
from mlops_lab.loop.trainings import NO_TRAININGS, ChampionRecord, Trainings, read_champion, read_trainings
from mlops_lab.monitoring.measure import as_known_now, differing_cells
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, RolloutState
from mlops_lab.rollout.next_step import MIN_ROWS
from mlops_lab.rollout.proof import DailyGains, weigh
from mlops_lab.serving.answering.counts import read_trial
from mlops_lab.serving.answering.trials import Trial
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import Task, mean_of

UNREADABLE = (MlopsError, pl.exceptions.PolarsError)
"""What reading a damaged table raises: a file cannot be read, a column is gone, or a value is of another type."""


@dataclass(frozen=True)
class RolloutEvidence:
    """What is known about a rollout: the answers of both versions with their outcomes (see `rollout_pairs`), the gain
    of each day since it began, how many feature values served since then differ from their definition, and what became
    of the requests that servers asked the challenger to score (see `rollout.guardrails`).

    In the watch after a promotion: the gain of the champion before, of each day. Where candidates prove themselves in
    the rollout, the pairs are those of the present candidate alone.
    """

    task: Task
    pairs: pl.DataFrame
    daily: DailyGains
    differing_cells: int
    trial: Trial = field(default_factory=Trial)

    def is_known_better(self) -> bool:
        """Whether enough requests that both versions scored have an outcome, and the challenger's loss is the lower."""
        if self.pairs.height < MIN_ROWS:
            return False
        challenger, champion = (
            mean_of(self.task.losses(self.pairs["truth"], self.pairs[name])) for name in ("challenger", "champion")
        )
        return challenger < champion


@dataclass(frozen=True)
class Observation:
    """What the loop knows at `now`, and decides on.

    `rollout` is None where neither a rollout nor a watch is under way. Measurements are read, and new labels counted,
    only where a trigger asks for them; `champion`, what was known of it when it was accepted, is None where none does.
    """

    now: datetime
    rollout: RolloutEvidence | None
    read_measurements: Callable[[datetime], pl.DataFrame]
    trainings: Trainings = NO_TRAININGS
    champion: ChampionRecord | None = None
    count_new_labels: Callable[[datetime], int] = lambda _since: 0


def observe(
    project: Project,
    lake: Lake,
    *,
    now: datetime,
    state: RolloutState,
    package: Path,
    day: MeasuredDay | None,
    decisions: Sequence[Decision] = (),
    is_present: bool = True,
) -> Observation:
    """What is known at `now`, where the `decisions` led to `state`. `day`, where it was just measured, is not in the
    lake yet. `is_present`: whether `now` is the present, of which servers tell, and not the end of an earlier day."""

    def read_measurements(since: datetime) -> pl.DataFrame:
        measured = measurements_since(lake, since)
        if day is None or (new := day.measurements.filter(pl.col("at") > since)).is_empty():
            return measured
        return as_known_now(pl.concat([measured, new])) if measured.height else new

    rollout = None
    if (began := state.compared_since) is not None:
        task = task_of(project, package)
        measured = read_measurements(began)
        pairs = no_pairs(task) if state.stage is None else _pairs(project, lake, state, now=now, task=task)
        trial = Trial()
        if is_present and state.challenger is not None:
            trial = read_trial(project.workers_path, state.challenger)
        rollout = RolloutEvidence(task, pairs, read_gains(measured), differing_cells(measured), trial)
    return Observation(
        now,
        rollout,
        read_measurements,
        read_trainings(decisions),
        _champion(project, decisions, state, package),
        partial(count_new_labels, project, lake, before=now),
    )


def _champion(
    project: Project, decisions: Sequence[Decision], state: RolloutState, package: Path
) -> ChampionRecord | None:
    settings = project.settings.triggers
    if state.champion is None or (settings.max_loss_increase is None and settings.max_drift_loss is None):
        return None
    with suppress(MlopsError):  # its package is gone or damaged, which an alert says
        return read_champion(decisions, state.champion, task_of(project, package))
    return None


def _pairs(project: Project, lake: Lake, state: RolloutState, *, now: datetime, task: Task) -> pl.DataFrame:
    since = state.since if project.settings.rollout.proves_itself else state.rollout_began
    assert since is not None
    try:
        return rollout_pairs(project, lake, since=since, now=now, task=task)
    except UNREADABLE:  # an alert says so, and the rollout waits
        return no_pairs(task)


def measurements_since(lake: Lake, since: datetime) -> pl.DataFrame:
    """The measurements of windows that ended after `since`, as known now."""
    if not MEASUREMENTS.exists(lake):
        return pl.DataFrame()
    return as_known_now(read_between(lake, MEASUREMENTS, since).filter(pl.col("at") > since))


def show_superseded(
    project: Project, state: RolloutState, *, read_measurements: Callable[[datetime], pl.DataFrame], task: Task
) -> tuple[dict[str, Any], str]:
    """What the days of the candidate in shadow have shown, before a fresher one takes its place: as evidence, and in
    words."""
    assert state.since is not None
    proof = weigh(project, read_gains(read_measurements(state.since)))
    shown = {"version": state.challenger, "since": state.since.isoformat(), **proof.evidence}
    return shown, f"it takes the place of version {state.challenger} in shadow, which showed: {proof.say(task)}"
