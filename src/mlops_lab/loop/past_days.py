"""The steps of a tick for a day that is over: measure it, decide as of its end, or note that it is not measured."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.alerts.endings import resolve_over
from mlops_lab.alerts.rules import unmeasured_alert
from mlops_lab.alerts.runbooks import Ends
from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.features.definition import Features
from mlops_lab.files import write_atomically
from mlops_lab.lake import Lake
from mlops_lab.loop.approval import as_approved
from mlops_lab.loop.days import TOO_OLD, position_of, writer_of
from mlops_lab.loop.decide import as_made_later, decide
from mlops_lab.loop.measure_day import MeasuredDay, measure_day, read_profiles
from mlops_lab.loop.observe import measurements_since, observe
from mlops_lab.loop.watch_days import DayWatcher
from mlops_lab.monitoring.limits import find_warnings
from mlops_lab.monitoring.measure import note_unmeasured
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply, fold, made_before
from mlops_lab.rollout.versions import check_loads, find_version, package_folder
from mlops_lab.tables.day_warnings import DayWarnings
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.training.progress import Report

_USUAL = timedelta(days=14)
"""The time before a day that says what is usual."""
_MICROSECOND = timedelta(microseconds=1)


def champion_of(window: Window, decisions: Sequence[Decision]) -> int:
    """The champion of a day that is over; that of now, where there was none yet."""
    champion = fold(made_before(decisions, window.end)).champion or fold(decisions).champion
    assert champion is not None
    return champion


def give_up(project: Project, lake: Lake, decisions: Sequence[Decision], *, window: Window) -> None:
    """Note that time lies too far back to be measured."""
    position = position_of(window, writer_of(decisions))
    send_alerts(project, lake, [unmeasured_alert(window, TOO_OLD)], position=position)
    rows = note_unmeasured(window, version=fold(decisions).champion, reason=TOO_OLD)
    MEASUREMENTS.append(lake, rows, position=position)


def measure_past_day(
    project: Project,
    lake: Lake,
    decisions: Sequence[Decision],
    *,
    window: Window,
    verifier: Verifier,
    watcher: DayWatcher,
    report: Report,
) -> MeasuredDay:
    """The day, measured for the champion of that day, its alerts sent."""
    champion = champion_of(window, decisions)
    day = measure_day(
        project,
        lake,
        window=window,
        champion=champion,
        package_of=lambda version: package_folder(project, find_version(decisions, version)),
        state=fold(made_before(decisions, window.end)),
        verifier=verifier,
        watcher=watcher,
        report=report,
    )
    send_alerts(project, lake, day.alerts, position=position_of(window, writer_of(decisions)))
    if day.unusual is not None:
        reason = f"its monitor is usual again after the day that ended {window.end.isoformat()}"
        resolve_over(project, lake, Ends.WITH_MONITOR, at=window.end, lasting=day.unusual, reason=reason)
    return day


def note_warnings(project: Project, lake: Lake, decisions: Sequence[Decision], *, day: MeasuredDay) -> None:
    """Write down what is to be told of the day; nothing where the profile of the champion cannot be read."""
    champion, window = champion_of(day.window, decisions), day.window
    with suppress(MlopsError, OSError, msgspec.MsgspecError):
        package = package_folder(project, find_version(decisions, champion))
        dated = date_inputs(Features.from_dict(load_plan(package).features), project.settings.source.time)
        profiles = {name: profile for name, profile in read_profiles(package).items() if name not in dated}
        earlier = measurements_since(lake, window.began - _USUAL)
        earlier = earlier.filter(pl.col("at") < window.end) if earlier.height else day.measurements.clear()
        texts = find_warnings(day.measurements, earlier, profiles=profiles, version=champion)
        date = f"{(window.end - _MICROSECOND).astimezone(ZoneInfo(project.timezone)):%Y-%m-%d}"
        told = DayWarnings(window.end, champion, tuple(f"on {date}: {text}" for text in texts))
        write_atomically(project.warnings_path, msgspec.json.encode(told), durable=False)


def date_inputs(features: Features, time: str) -> set[str]:
    """The inputs that the time of a request alone decides, such as its weekday: they differ every day."""
    return {time, *(name for name, of in features.derived.items() if {*of.meta.root_names()} == {time})}


def decide_as_of(
    project: Project,
    lake: Lake,
    decisions: Sequence[Decision],
    *,
    state: RolloutState,
    as_of: datetime,
    day: MeasuredDay | None,
    now: datetime,
    by: str,
) -> Decision | None:
    """The decision that was due at `as_of`, a day without a tick, or is due `now`; None where there is none to make."""
    assert state.champion is not None
    package = package_folder(project, find_version(decisions, state.champion))
    observation = observe(
        project,
        lake,
        now=as_of,
        state=state,
        package=package,
        day=day,
        decisions=decisions,
        is_present=as_of >= now,
    )
    decision = decide(project, state, observation, by=by)
    if decision is not None and as_of < now:
        decision = as_made_later(decision, now, project.timezone)
    if decision is not None:
        decision = as_approved(project, decisions, state, decision)
    return decision if decision is not None and _can_follow(project, decisions, state, decision) else None


def _can_follow(project: Project, decisions: Sequence[Decision], state: RolloutState, decision: Decision) -> bool:
    """Whether servers can do what is decided. A version whose package is not there waits, and `mlops status` says so;
    a challenger is taken back in any case."""
    is_new_champion = apply(state, decision).champion != state.champion
    if decision.version is None or not (is_new_champion or decision.what is DecisionKind.CANARY):
        return True
    try:
        check_loads(project, decisions, decision.version)
    except EnvironmentFault:
        return False
    return True
