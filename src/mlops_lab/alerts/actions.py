"""What a person does about alerts: acknowledge, resolve, silence."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlops_lab.alerts.events import AlertEvent, EventKind, write_events
from mlops_lab.alerts.states import AlertState, AlertStatus, find_status, read_statuses
from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.project import Project

_AFTER = {EventKind.ACKNOWLEDGED: AlertState.ACKNOWLEDGED, EventKind.RESOLVED: AlertState.RESOLVED}


def close_alert(
    project: Project, lake: Lake, id_: str, *, event: EventKind, now: datetime, by: str, reason: str
) -> AlertStatus:
    """Acknowledge or resolve an alert; how it is afterwards. NotFound; Refused where it is so already, or resolved."""
    status = find_status(read_statuses(project, lake, now=now), id_)
    if status.state in {_AFTER[event], AlertState.RESOLVED}:
        who = f" by {status.event.by}" if status.event else ""
        raise Refused(
            f"alert {status.id} is {status.state} already{who}, since {status.since.isoformat()}",
            code="alert_closed",
            where="ID",
            hint=f"nothing was changed; `mlops alerts show {status.id}` shows what was done",
        )
    write_events(lake, [AlertEvent(at=now, event=event, alert=status.id, by=by, reason=reason)])
    return find_status(read_statuses(project, lake, now=now), status.id)


def silence_alert(
    project: Project, lake: Lake, id_: str, *, lasts: timedelta, now: datetime, by: str, reason: str
) -> AlertEvent:
    """Send nothing about what this alert is about, for some time (none: end the silence). NotFound."""
    status = find_status(read_statuses(project, lake, now=now), id_)
    rule, about = status.last.key
    return _silence(
        lake,
        AlertEvent(
            at=now, event=EventKind.SILENCED, alert=status.id, rule=rule, about=about, until=now + lasts,
            by=by, reason=reason,
        ),
    )  # fmt: skip


def silence_rule(lake: Lake, rule: str, *, lasts: timedelta, now: datetime, by: str, reason: str) -> AlertEvent:
    """Send nothing that a rule raises, whatever it is about, for some time (none: end the silence)."""
    return _silence(
        lake, AlertEvent(at=now, event=EventKind.SILENCED, rule=rule, until=now + lasts, by=by, reason=reason)
    )


def _silence(lake: Lake, event: AlertEvent) -> AlertEvent:
    write_events(lake, [event])
    return event
