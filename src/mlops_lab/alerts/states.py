"""The state of every alert: a fold over what was raised and what was done about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.alerts.events import AlertEvent, EventKind, read_events
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lake import Lake
from mlops_lab.project import Project


class AlertState(StrEnum):
    """Whether somebody has to look at it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True)
class AlertStatus:
    """An alert: every time that a rule fired about the same thing (`raised`, oldest first), and its state.

    `since`: from when on it is in this state; `opened`: when it was raised, or raised again after it was resolved.
    `event` led to the state; None while nobody did anything. It is silent until `silenced_until`.
    """

    raised: Sequence[Alert]
    state: AlertState
    since: datetime
    opened: datetime
    event: AlertEvent | None = None
    events: Sequence[AlertEvent] = field(default=())
    silenced_until: datetime | None = None

    @property
    def id(self) -> str:
        """That of the first time it was raised."""
        return self.raised[0].id

    @property
    def last(self) -> Alert:
        """The last time that it was raised."""
        return self.raised[-1]


def read_statuses(project: Project, lake: Lake, *, now: datetime) -> list[AlertStatus]:
    """Every alert as it is at `now`, by when it was first raised."""
    same_within = timedelta(hours=project.settings.alerts.same_within_hours)
    return fold_alerts(read_alerts(lake), read_events(lake), now=now, same_within=same_within)


def fold_alerts(
    alerts: Iterable[Alert], events: Iterable[AlertEvent], *, now: datetime, same_within: timedelta
) -> list[AlertStatus]:
    """Every alert as it is at `now`, by when it was first raised. What is dated later plays no part.

    A rule that fires again about the same thing no later than `same_within` after it last did is the same alert.
    """
    events = sorted((event for event in events if event.at <= now), key=attrgetter("at"))
    by_alert = defaultdict(list)
    for event in events:
        if event.event != EventKind.SILENCED:
            by_alert[event.alert].append(event)
    silences = [event for event in events if event.event == EventKind.SILENCED]
    found = []
    for raised in _group([alert for alert in alerts if alert.at <= now], same_within):
        own = [event for id_ in dict.fromkeys(alert.id for alert in raised) for event in by_alert[id_]]
        silence = next((event for event in reversed(silences) if _is_silenced_by(raised[0], event)), None)
        until = silence.until if silence is not None and silence.until is not None and silence.until > now else None
        found.append(_follow(raised, sorted(own, key=attrgetter("at")), silenced_until=until))
    return sorted(found, key=lambda status: (status.raised[0].at, status.raised[0].key))


def _group(alerts: Iterable[Alert], same_within: timedelta) -> Iterator[list[Alert]]:
    """Alerts of one key whose moments lie no further apart than `same_within`."""
    by_key = defaultdict(list)
    for alert in sorted(alerts, key=attrgetter("at")):
        by_key[alert.key].append(alert)
    for group in by_key.values():
        first = 0
        for number in range(1, len(group)):
            if group[number].at - group[number - 1].at > same_within:
                yield group[first:number]
                first = number
        yield group[first:]


def _is_silenced_by(alert: Alert, silence: AlertEvent) -> bool:
    rule, about = alert.key
    return silence.rule == rule and silence.about in {None, about}


def _follow(raised: Sequence[Alert], events: Sequence[AlertEvent], *, silenced_until: datetime | None) -> AlertStatus:
    """The state after all events; an alert that is raised again after it was resolved is open again."""
    state, since, opened, last = AlertState.OPEN, raised[0].at, raised[0].at, None
    waiting = list(raised)
    for event in [*events, None]:
        again = [alert for alert in waiting if event is None or alert.at < event.at]
        waiting = waiting[len(again) :]
        if state is AlertState.RESOLVED and (later := [alert for alert in again if alert.at > since]):
            state, since, opened, last = AlertState.OPEN, later[0].at, later[0].at, None
        if event is not None and not (state is AlertState.RESOLVED and event.event == EventKind.ACKNOWLEDGED):
            state, since, last = AlertState(event.event), event.at, event
    return AlertStatus(
        raised=raised, state=state, since=since, opened=opened, event=last, events=events, silenced_until=silenced_until
    )


def find_status(statuses: Iterable[AlertStatus], id_: str) -> AlertStatus:
    """The alert with this id, or the only one whose id begins with it. NotFound; InvalidInput where there are more."""
    found = {status.id: status for status in statuses if any(alert.id.startswith(id_) for alert in status.raised)}
    if id_ in found:
        return found[id_]
    hint = "`mlops alerts list --all` lists the ids"
    if not found:
        raise NotFound(f'there is no alert "{id_}"', code="no_alert", where="ID", hint=hint)
    if len(found) > 1:
        raise InvalidInput(f'{len(found)} alerts begin with "{id_}"', code="several_alerts", where="ID", hint=hint)
    return next(iter(found.values()))
