"""The status of a project, computed from its tables and its server."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import polars as pl
from msgspec import UNSET

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.alerts.deliveries import find_failing, read_deliveries
from mlops_lab.alerts.states import AlertState, read_statuses
from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import Features
from mlops_lab.intake.journal import ingest_if_reachable
from mlops_lab.intake.journal_faults import count_damage
from mlops_lab.intake.now import stored_moment
from mlops_lab.intake.quarantine import waiting
from mlops_lab.lake import Lake
from mlops_lab.lake.copy_notes import read_away
from mlops_lab.lake.file_summaries import count_values
from mlops_lab.loop.approval import LOOP, check_approvals
from mlops_lab.loop.days import days_to_measure, unmeasured_times
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.observe import measurements_since
from mlops_lab.loop.rollout_evidence import read_gains, rollout_pairs
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.trainings import read_trainings
from mlops_lab.loop.triggers.run import next_retraining
from mlops_lab.project import Project
from mlops_lab.rollout.decision_record import DecisionRecord, record_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.rollout.deploy import deployed_generation
from mlops_lab.rollout.next_step import share_now, waiting_for
from mlops_lab.rollout.proof import weigh
from mlops_lab.rollout.versions import find_unreadable, find_version, load_plan_of, package_folder
from mlops_lab.rollout.watch import watch_until
from mlops_lab.serving.process.address import Address, find_server
from mlops_lab.serving.process.health_probe import probe_deployment
from mlops_lab.status.error_rate import measure_error_rate
from mlops_lab.status.monitoring import describe_monitoring, estimate_quality
from mlops_lab.status.performance import last_quality, measure_performance
from mlops_lab.status.records import (
    AlertRecord,
    ApprovalStatus,
    FailingChannelRecord,
    FollowingStatus,
    Performance,
    ProjectStatus,
    ProofRecord,
    RecentRequests,
    RetrainingStatus,
    RolloutProgress,
    UnmeasuredRecord,
    WatchRecord,
)
from mlops_lab.status.rollout_days import list_days
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.verdict import Verdict
from mlops_lab.tasks.base import Task
from mlops_lab.training.outcome_delay import explain_delay

_MADE_LIVE_BY = {DecisionKind.BOOTSTRAP, DecisionKind.PROMOTE, DecisionKind.ROLL_BACK}
_DAYS_OF_WEEK = 7


def describe(project: Project, *, takes_in: bool = True) -> ProjectStatus:
    """The status of the project now, with everything that the server has acknowledged.

    Without `takes_in` it is the one that the lake knows of, which is not changed.
    """
    loop = Loop(project)
    if takes_in:
        ingest_if_reachable(project, loop.lake)
    state, server = loop.state, find_server(project)
    predictions, verdicts = count_predictions(loop.lake), count_verdicts(loop.lake)
    now = stored_moment(project, loop.lake) if state.champion is not None else None
    damage = count_damage(loop.lake)
    monitoring = describe_monitoring(loop, now) if now else None
    return ProjectStatus(
        project=project.name,
        folder=str(project.root),
        timezone=project.timezone,
        now=now.isoformat() if now else None,
        server=server.url if server else None,
        champion=state.champion,
        since=state.since.isoformat() if state.since else None,
        live_by=_record(_find_live_by(loop)),
        challenger=state.challenger,
        stage=state.stage,
        arms={str(version): share for version, share in state.arms},
        generation=state.generation,
        quality=last_quality(loop),
        performance=measure_performance(loop, now) if now else Performance(),
        predictions=predictions,
        pending=predictions - verdicts[Verdict.ACCEPTED],
        recent=_recent(loop, now) if now else None,
        days_to_measure=len(days_to_measure(project, loop.lake, loop.decisions, now=now)) if now else 0,
        unmeasured=_unmeasured(loop),
        warnings=[*_warnings(loop), *(monitoring[1] if monitoring else [])],
        following=_following(loop, server) if state.champion is not None else None,
        unknown_outcomes=verdicts[Verdict.UNKNOWN],
        too_late_outcomes=verdicts[Verdict.TOO_LATE],
        conflicting_outcomes=verdicts[Verdict.CONFLICT],
        quarantined=waiting(loop.lake).height,
        damaged_places=damage.places,
        damaged_bytes=damage.bytes,
        alert=_last_alert(loop, now) if now else None,
        error_rate=measure_error_rate(project, loop.decisions, now) if now else None,
        rollout=_rollout(loop, now) if now else None,
        watch=_watch(loop),
        monitoring=monitoring[0] if monitoring else None,
        estimates=estimate_quality(loop.lake, now) if now else [],
        retraining=_retraining(loop),
        approval=_approval(loop, now) if now else None,
        last_decision=_record(loop.decisions[-1] if loop.decisions else None),
        alerts=_count_alerts(loop, now) if now else {},
        failing_channels=_failing_channels(loop),
    )


def count_predictions(lake: Lake) -> int:
    """How many predictions were ever logged, as the table's log tells it."""
    return sum(file.rows for file in lake.files(PREDICTIONS.name).values()) if PREDICTIONS.exists(lake) else 0


def count_verdicts(lake: Lake) -> Counter[str]:
    """How many outcomes got each verdict."""
    by_file = count_values(lake, OUTCOMES.name, "verdict") if OUTCOMES.exists(lake) else {}
    return sum(map(Counter, by_file.values()), Counter[str]())


def _record(decision: Decision | None) -> DecisionRecord | None:
    return record_decision(decision) if decision else None


def _find_live_by(loop: Loop) -> Decision | None:
    """The decision that made the champion live."""
    for decision in reversed(loop.decisions):
        if decision.what in _MADE_LIVE_BY and decision.version == loop.state.champion:
            return decision
    return None


def _recent(loop: Loop, now: datetime) -> RecentRequests:
    within = loop.project.settings.source.outcome_within_days
    if not PREDICTIONS.exists(loop.lake):
        return RecentRequests(answered_last_hour=0, waiting=0, oldest=None, within_days=within)
    since = now - timedelta(days=within)
    predictions = PREDICTIONS.read(loop.lake, columns=["id", "at"], since=since)
    answered_last_hour = predictions.filter(pl.col("at") >= now - timedelta(hours=1)).height
    if OUTCOMES.exists(loop.lake):
        outcomes = OUTCOMES.read(loop.lake, columns=["id", "verdict"], since=since)
        accepted = outcomes.filter(pl.col("verdict") == Verdict.ACCEPTED)
        predictions = predictions.join(accepted, on="id", how="anti")
    oldest = predictions["at"].min()
    return RecentRequests(
        answered_last_hour=answered_last_hour,
        waiting=predictions.height,
        oldest=oldest.isoformat() if isinstance(oldest, datetime) else None,
        within_days=within,
    )


def _unmeasured(loop: Loop) -> list[UnmeasuredRecord]:
    return [
        UnmeasuredRecord(since=item.window.began.isoformat(), until=item.window.end.isoformat(), reason=item.reason)
        for item in unmeasured_times(loop.lake)
    ]


def _warnings(loop: Loop) -> list[str]:
    away = read_away(loop.lake.path)
    stale = [f"{away.what}: this is what was known at {away.since:%Y-%m-%d %H:%M:%S} (UTC)"] if away else []
    champion = loop.state.champion
    if champion is None:
        return stale
    try:
        plan = load_plan_of(loop.project, loop.decisions, champion)
    except EnvironmentFault:  # `following` says so
        return stale
    warning = explain_delay(loop.project, loop.lake, Features.from_dict(plan.features))
    return [*stale, *([warning] if warning else []), *loop.warnings]


def _following(loop: Loop, server: Address | None) -> FollowingStatus:
    """How far the decisions are in effect."""
    probe = probe_deployment(server) if server is not None else None
    unreadable = find_unreadable(loop.project, loop.decisions, loop.state)
    not_loaded = {str(version): str(fault) for version, fault in unreadable.items()} | (
        probe.not_loaded if probe else {}
    )
    workers = probe.generations if probe else {}
    return FollowingStatus(
        table=deployed_generation(loop.project),
        workers=workers,
        lagging=[worker for worker, generation in workers.items() if generation < loop.state.generation],
        error=probe.deployment_error if probe else None,
        not_loaded=not_loaded,
    )


def _last_alert(loop: Loop, now: datetime) -> AlertRecord | None:
    """The newest alert of the last week."""
    recent = [alert for alert in read_alerts(loop.lake) if now - timedelta(days=_DAYS_OF_WEEK) <= alert.at <= now]
    if not recent:
        return None
    alert = recent[-1]
    return AlertRecord(
        at=alert.at.isoformat(),
        rule=alert.rule,
        what=alert.what,
        where=alert.where,
        hint=alert.hint,
        about=alert.about,
    )


def _count_alerts(loop: Loop, now: datetime) -> dict[str, int]:
    """How many alerts there are of each state, without those that are resolved."""
    states = Counter(str(status.state) for status in read_statuses(loop.project, loop.lake, now=now))
    return {state: count for state, count in states.items() if state != AlertState.RESOLVED}


def _failing_channels(loop: Loop) -> list[FailingChannelRecord]:
    failing = find_failing(loop.project, read_deliveries(loop.lake)).values()
    return [FailingChannelRecord(name=item.name, since=item.since.isoformat(), reason=item.reason) for item in failing]


def _rollout(loop: Loop, now: datetime) -> RolloutProgress | None:
    """How far the rollout is; None where none is under way."""
    state, began = loop.state, loop.state.rollout_began
    if state.stage is None or state.since is None or began is None:
        return None
    assert state.champion is not None
    task = task_of(loop.project, package_folder(loop.project, find_version(loop.decisions, state.champion)))
    proves_itself = loop.project.settings.rollout.proves_itself
    since = state.since if proves_itself else began
    rows = rollout_pairs(loop.project, loop.lake, since=since, now=now, task=task).height
    wait = waiting_for(loop.project, state, rows=rows)
    return RolloutProgress(
        days=wait.days,
        until=wait.until.isoformat(),
        rows=wait.rows,
        rows_needed=wait.rows_needed,
        then=str(wait.then),
        days_over=min(wait.days, (now - state.since) // timedelta(days=1)),
        canary_share=share_now(loop.project, state) or loop.project.settings.rollout.shares[0],
        is_paused=state.is_paused,
        proof=_proof(loop, began, task) if proves_itself else None,
        next_share=wait.share,
    )


def _approval(loop: Loop, now: datetime) -> ApprovalStatus | None:
    """The step that waits for approvals; None where none does, or where `mlops.toml` asks for none any more."""
    asked, settings = loop.state.approvals.asked, loop.project.settings.approval
    if asked is None or asked.step not in settings.steps:
        return None
    check = check_approvals(loop.project, loop.decisions, loop.state, now, version=asked.version, step=asked.step)
    return ApprovalStatus(
        version=asked.version,
        step=asked.step,
        since=asked.at.isoformat(),
        until=(asked.at + timedelta(days=settings.within_days)).isoformat(),
        given=list(check.given),
        missing=check.missing,
        approvers=None if check.approvers is None else list(check.approvers),
        not_by=sorted(check.owners - {LOOP}),
        text=check.whom if check.missing else "",
    )


def _watch(loop: Loop) -> WatchRecord | None:
    """How far the watch after a promotion is; None where none is under way."""
    watch = loop.state.watch
    if watch is None or loop.state.champion is None:
        return None
    task = task_of(loop.project, package_folder(loop.project, find_version(loop.decisions, loop.state.champion)))
    return WatchRecord(
        version=watch.version,
        began=watch.began.isoformat(),
        until=watch_until(loop.project, watch).isoformat(),
        proof=_proof(loop, watch.began, task, margin=0.0),
    )


def _proof(loop: Loop, began: datetime, task: Task, *, margin: float | None = None) -> ProofRecord:
    proof = weigh(loop.project, read_gains(measurements_since(loop.lake, began)), margin=margin)
    last = next(iter(list_days(loop)[-1:]), None)
    return ProofRecord(
        days=proof.days,
        gain=proof.gain,
        lower=last.lower if last else None,
        upper=last.upper if last else None,
        e_value=proof.e_value,
        needed=1 / proof.alpha,
        is_proved=proof.is_proved,
        text=proof.say(task),
    )


def _retraining(loop: Loop) -> RetrainingStatus | None:
    """The retraining under way, or the next one; None before the first training."""
    state = loop.state
    if state.retraining is not None:
        return RetrainingStatus(began=state.retraining.at.isoformat(), reason=state.retraining.reason)
    now, trainings = stored_moment(loop.project, loop.lake), read_trainings(loop.decisions)
    if state.last_retrain is None or now is None:
        return None
    due = next_retraining(loop.project, state.last_retrain, trainings=trainings, now=now)
    return RetrainingStatus(
        due=due.at.isoformat(),
        every_days=loop.project.settings.triggers.every_days,
        watched_from=due.watched_from.isoformat(),
        watched=due.watched,
        budget=due.spent_budget or UNSET,
    )
