"""Raising alerts: they are written into the table. The loop sends them when its other work is done: see `delivery`."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.table import Position, write_alerts
from mlops_lab.lake import Lake
from mlops_lab.project import Project


def send_alerts(_project: Project, lake: Lake, alerts: Sequence[Alert], *, position: Position) -> None:
    """Raise the alerts, once for each position; nothing where there are none.

    Where the table cannot be written the error is raised, and the tick is repeated, with the same position.
    """
    if alerts:
        write_alerts(lake, alerts, position)


def send_once_a_day(project: Project, lake: Lake, alert: Alert, *, about: str) -> None:
    """Raise an alert about what lasts: the first on each day, by what it is about."""
    send_alerts(project, lake, [alert], position=(about, alert.at.toordinal()))
