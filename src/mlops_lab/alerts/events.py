"""What was done about alerts: acknowledged, resolved, silenced. Only ever appended; the states follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from mlops_lab.lake import Lake
from mlops_lab.tables.declared import ALERT_EVENTS
from mlops_lab.tables.numbered import append_numbered, read_numbered


class EventKind(StrEnum):
    """What was done."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    SILENCED = "silenced"


@dataclass(frozen=True, kw_only=True)
class AlertEvent:
    """One thing that was done: to an alert (`alert`, its id), or to all alerts of a rule, about something or whatever
    they are about, which are silent `until` a moment."""

    at: datetime
    event: str
    alert: str | None = None
    rule: str | None = None
    about: str | None = None
    until: datetime | None = None
    by: str
    reason: str


def write_events(lake: Lake, events: Sequence[AlertEvent]) -> None:
    """Append the events; nothing where there are none."""
    append_numbered(ALERT_EVENTS, lake, list(map(asdict, events)))


def read_events(lake: Lake) -> list[AlertEvent]:
    """All events, oldest first; those of one moment as they were written."""
    return [AlertEvent(**row) for row in read_numbered(ALERT_EVENTS, lake)]
