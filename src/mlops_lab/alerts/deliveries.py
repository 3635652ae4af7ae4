"""The delivery log: each attempt to send an alert through a channel, and which channels fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from mlops_lab.alerts.channels.post import SENT
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import ALERT_DELIVERIES
from mlops_lab.tables.numbered import append_numbered, read_numbered


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt: when, through which channel, which alert (its id; None for a test message), and what happened."""

    at: datetime
    channel: str
    alert: str | None
    attempt: int
    result: str
    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class FailingChannel:
    """A channel whose last attempt failed: since when none succeeded, and why the last did not."""

    name: str
    since: datetime
    reason: str


def write_deliveries(lake: Lake, deliveries: Sequence[Delivery]) -> None:
    """Append attempts to the log."""
    append_numbered(ALERT_DELIVERIES, lake, list(map(asdict, deliveries)))


def read_deliveries(lake: Lake) -> list[Delivery]:
    """All attempts, oldest first; those of one moment as they were written."""
    return [Delivery(**row) for row in read_numbered(ALERT_DELIVERIES, lake)]


def find_failing(project: Project, deliveries: Iterable[Delivery]) -> dict[str, FailingChannel]:
    """By name, the declared channels whose last attempt failed. `deliveries` are sorted by time."""
    failing: dict[str, FailingChannel] = {}
    for item in deliveries:
        if item.result == SENT:
            failing.pop(item.channel, None)
        elif item.channel in project.settings.alerts.channels:
            since = failing[item.channel].since if item.channel in failing else item.at
            failing[item.channel] = FailingChannel(name=item.channel, since=since, reason=item.reason)
    return failing
