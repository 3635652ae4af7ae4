"""Alerts that end by themselves: what they tell of does not hold any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from mlops_lab.alerts.deliveries import find_failing, read_deliveries
from mlops_lab.alerts.delivery import channel_place
from mlops_lab.alerts.events import AlertEvent, EventKind, write_events
from mlops_lab.alerts.runbooks import Ends, runbook_of
from mlops_lab.alerts.states import AlertState, AlertStatus, read_statuses
from mlops_lab.lake import Lake
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.tables.declared import ALERTS

_UNMEASURED = "unmeasured"


def resolve_ended(project: Project, lake: Lake, *, now: datetime, day: Window | None) -> None:
    """Resolve the alerts that ended; `day` is the last day that was measured (None: none was)."""
    if not ALERTS.exists(lake):
        return
    statuses = read_statuses(project, lake, now=now)
    failing = find_failing(project, read_deliveries(lake))
    write_events(lake, list_ended(statuses, now=now, day=day, failing={channel_place(name) for name in failing}))


def resolve_over(
    project: Project, lake: Lake, ends: Ends, *, at: datetime, lasting: Collection[str], reason: str
) -> None:
    """Resolve the alerts that end in this way, unless what they are about is `lasting`."""
    if ALERTS.exists(lake):
        statuses = read_statuses(project, lake, now=at)
        write_events(lake, list_over(statuses, ends, at=at, lasting=lasting, reason=reason))


def list_over(
    statuses: Sequence[AlertStatus], ends: Ends, *, at: datetime, lasting: Collection[str], reason: str
) -> list[AlertEvent]:
    """The events that resolve the alerts that end in this way, unless what they are about is `lasting`."""
    return [
        AlertEvent(at=at, event=EventKind.RESOLVED, alert=status.id, by="loop", reason=reason)
        for status in statuses
        if status.state is not AlertState.RESOLVED and runbook_of(status.last.rule).ends is ends
        if status.last.key[1] not in lasting
    ]


def list_ended(
    statuses: Sequence[AlertStatus], *, now: datetime, day: Window | None, failing: Collection[str]
) -> list[AlertEvent]:
    """The events that resolve what ended. `failing`: what alerts about channels that fail now are about.

    A day of which something could not be measured ends nothing: a rule may not have been checked.
    """
    raised = [alert for status in statuses for alert in status.raised]
    if day is not None and any(alert.rule == _UNMEASURED and alert.at == day.end for alert in raised):
        day = None
    events = []
    for status in statuses:
        reason = None if status.state is AlertState.RESOLVED else _reason(status, day, failing)
        if reason is not None:
            events.append(AlertEvent(at=now, event=EventKind.RESOLVED, alert=status.id, by="loop", reason=reason))
    return events


def _reason(status: AlertStatus, day: Window | None, failing: Collection[str]) -> str | None:
    """Why the alert ended; None where it did not."""
    ends = runbook_of(status.last.rule).ends
    if ends is Ends.WITH_DELIVERY:
        return None if status.last.key[1] in failing else "the channel delivers again, or is not declared any more"
    if day is None or ends in {Ends.BY_PERSON, Ends.WITH_MONITOR, Ends.WITH_ANSWER}:
        return None
    is_over = status.last.at < (day.end if ends is Ends.WITH_DAY else day.began)
    return f"it was not raised again on the day that ended {day.end.isoformat()}" if is_over else None
