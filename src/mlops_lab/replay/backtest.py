"""Policies compared over a past span: what each would have decided and answered, by the labels that were known then.

Nothing is served, and nothing is written into the project: versions are trained in a folder that is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
from msgspec import Struct

from mlops_lab import clock
from mlops_lab.clock import day_start
from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.lineage.held_out import read_cutoff
from mlops_lab.monitoring.quality import quality
from mlops_lab.project import Project
from mlops_lab.registry.store.folder_registry import FolderRegistry
from mlops_lab.replay.past_requests import PastRequests, read_past_requests
from mlops_lab.replay.policy import Policy, PolicyKind, parse_policy
from mlops_lab.replay.simulation import BY, Simulation
from mlops_lab.replay.summary import DecisionRow
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold, made_before
from mlops_lab.rollout.versions import find_version, load_predictor
from mlops_lab.tables.newest import trusted_newest
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.training.backtest import compare_blocks, mean_by_block
from mlops_lab.training.progress import Report

DEFAULT_DAYS = 28
DEFAULT_POLICIES = ("own", "frozen")


class BacktestMonth(Struct, frozen=True, kw_only=True):
    """A calendar month of a policy (`all`: the whole span): the measures of its answers (None: not defined), and how
    often it trained and promoted."""

    month: str
    requests: int
    measures: dict[str, float | None]
    trainings: int
    promotions: int


class PolicyResult(Struct, frozen=True, kw_only=True):
    """What a policy would have answered and decided.

    `gain` is how much lower its loss is on a day than that of the first policy, on average, and `p_value` that of a
    two-sided paired t-test over the days; None for the first policy itself. `version`: what was live at the beginning.
    """

    policy: str
    version: int
    months: list[BacktestMonth]
    total: BacktestMonth
    decisions: list[DecisionRow]
    gain: float | None = None
    p_value: float | None = None


class BacktestResult(Struct, frozen=True, kw_only=True):
    """The policies side by side; `span`: first and last day. Only requests that every policy answers count."""

    project: str
    span: tuple[str, str]
    loss_name: str
    requests: int
    policies: list[PolicyResult]


@dataclass(frozen=True)
class _Played:
    """A policy after the span: its decisions, its answer to each request, and the version at the beginning."""

    policy: Policy
    version: int
    decisions: Sequence[Decision]
    output: pl.Series


def run_backtest(
    project: Project, *, first: date | None, last: date | None, policies: Sequence[str], report: Report
) -> BacktestResult:
    """The policies over the days from `first` to `last`; by default the last 28 days that are over and have data.

    InvalidInput where the span is not over, has no requests with an outcome, or a policy makes no sense for it.
    """
    parsed = [parse_policy(project, text) for text in dict.fromkeys(policies or DEFAULT_POLICIES)]
    lake = open_lake(project).pin()  # all policies are played on the same rows
    began, end = _span(project, lake, first, last)
    report("requests")
    requests = read_past_requests(project, lake, began=began, end=end)
    decisions = read_decisions(lake)
    with _throw_away() as folder:
        registry = FolderRegistry(folder, max((item.version or 0 for item in decisions), default=0), home=project.home)
        played = [
            _play(policy, lake, requests, registry, began=began, end=end, decisions=decisions, report=report)
            for policy in parsed
        ]
    return _summarise(project, requests, played, began=began, end=end)


def _span(project: Project, lake: Lake, first: date | None, last: date | None) -> tuple[datetime, datetime]:
    """The first moment of the span and the first after it."""
    zone = ZoneInfo(project.timezone)
    is_wall = project.settings.project.clock == "wall"
    newest = trusted_newest(project, lake)
    if newest is None:
        raise InvalidInput("no data is loaded yet", code="no_requests", hint="load it and train: `mlops run`")
    now = clock.now() if is_wall else newest
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    last = last or min(yesterday, newest.astimezone(zone).date())
    first = first or last - timedelta(days=DEFAULT_DAYS - 1)
    if last > yesterday:
        what, hint = f"{last} is not over: it is {now.astimezone(zone):%Y-%m-%d %H:%M}", f"give {yesterday} or before"
        raise InvalidInput(what, code="bad_span", where="--to", hint=hint)
    if first > last:
        raise InvalidInput(f"{first} is after {last}", code="bad_span", where="--from", hint="give an earlier day")
    return day_start(first, project.timezone), day_start(last + timedelta(days=1), project.timezone)


@contextmanager
def _throw_away() -> Iterator[Path]:
    with TemporaryDirectory(prefix="mlops-backtest-") as folder:
        yield Path(folder)


def _play(
    policy: Policy,
    lake: Lake,
    requests: PastRequests,
    registry: FolderRegistry,
    *,
    began: datetime,
    end: datetime,
    decisions: Sequence[Decision],
    report: Report,
) -> _Played:
    if policy.kind is PolicyKind.VERSION:
        return _ask_version(policy, requests, began=began, decisions=decisions)
    simulation = Simulation(policy, lake, requests, registry, began, _as_of(decisions, began), report)
    simulation.run(end)
    answers = pl.concat(simulation.answers)
    return _Played(policy, simulation.first_version, simulation.made, answers["output"])


def _as_of(decisions: Sequence[Decision], began: datetime) -> list[Decision]:
    """The decisions made before the span. A rollout that was under way ends, and no training is left under way: every
    policy begins with what was live, and nothing else."""
    before = made_before(decisions, began)
    state = fold(before)
    if state.stage is not None:
        reason = "the span begins with the champion alone"
        before.append(Decision(began, DecisionKind.ROLL_BACK, state.challenger, BY, reason, BY))
    if state.watch is not None:
        before.append(Decision(began, DecisionKind.CONFIRM, state.champion, BY, "the span begins without a watch", BY))
    if state.retraining is not None:
        before.append(Decision(began, DecisionKind.REFUSE, None, BY, "the span begins without a training", BY))
    return before


def _ask_version(policy: Policy, requests: PastRequests, *, began: datetime, decisions: Sequence[Decision]) -> _Played:
    find_version(decisions, policy.number)
    predictor = load_predictor(policy.project, decisions, policy.number)
    cutoff = read_cutoff(predictor)
    if cutoff > began:
        day = cutoff.astimezone(ZoneInfo(policy.project.timezone))
        raise InvalidInput(
            f"version {policy.number} has learned from requests up to {day:%Y-%m-%d %H:%M}: it knows the answers",
            code="has_learned",
            where=f"--policy {policy.name}",
            hint=f"begin on {(day - timedelta(microseconds=1)).date() + timedelta(days=1)} or later: --from",
        )
    return _Played(policy, policy.number, (), requests.answer(predictor))


def _summarise(
    project: Project, requests: PastRequests, played: Sequence[_Played], *, began: datetime, end: datetime
) -> BacktestResult:
    task = make_task(project.task, classes=project.classes, scale=_scale(project, requests.truth))
    counted = pl.Series([True] * len(requests.truth), dtype=pl.Boolean)
    for one in played:
        counted = counted & one.output.is_not_null()
    days = requests.moments.dt.convert_time_zone(project.timezone).dt.date().filter(counted)
    truth = requests.truth.filter(counted)
    if truth.is_empty():
        raise InvalidInput(
            "no request is answered by all policies", code="no_requests", where="--policy", hint="name fewer policies"
        )
    losses = [task.losses(truth, one.output.filter(counted)) for one in played]
    gains = [None, *(mean_by_block(days, losses[0] - loss) for loss in losses[1:])]
    zone = ZoneInfo(project.timezone)
    return BacktestResult(
        project=project.name,
        span=(str(began.astimezone(zone).date()), str((end - timedelta(microseconds=1)).astimezone(zone).date())),
        loss_name=task.loss_name,
        requests=len(truth),
        policies=[
            _result(project, one, task, days, truth, one.output.filter(counted), gain)
            for one, gain in zip(played, gains, strict=True)
        ],
    )


def _scale(project: Project, truth: pl.Series) -> float:
    """The unit in which policies are compared: of a regression the standard deviation in the span."""
    spread = truth.std() if project.task == "regression" else None
    return float(spread) if isinstance(spread, float) and spread > 0 else 1.0


def _result(
    project: Project,
    one: _Played,
    task: Task,
    days: pl.Series,
    truth: pl.Series,
    output: pl.Series,
    gains: npt.NDArray[np.float64] | None,
) -> PolicyResult:
    zone = ZoneInfo(project.timezone)
    months = days.dt.strftime("%Y-%m")

    def measure(name: str, rows: pl.Series) -> BacktestMonth:
        made = [item for item in one.decisions if name in {"all", f"{item.at.astimezone(zone):%Y-%m}"}]
        return BacktestMonth(
            month=name,
            requests=int(rows.sum()),
            measures=quality(task, truth.filter(rows), output.filter(rows)),
            trainings=sum(item.what is DecisionKind.RETRAIN for item in made),
            promotions=sum(item.what is DecisionKind.PROMOTE for item in made),
        )

    test = None if gains is None else compare_blocks(gains)
    other = None if gains is None else compare_blocks(-gains)
    return PolicyResult(
        policy=one.policy.name,
        version=one.version,
        months=[measure(name, months == name) for name in months.unique().sort()],
        total=measure("all", months.is_not_null()),
        decisions=[
            DecisionRow(
                at=item.at.astimezone(zone).isoformat(), what=str(item.what), version=item.version, reason=item.reason
            )
            for item in one.decisions
        ],
        gain=test.gain if test else None,
        p_value=min(1.0, 2 * min(test.p_value, other.p_value)) if test and other else None,
    )
