"""The list of all channels, and sending alerts through them."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.base import Channel, Position
from mlops_lab.alerts.channels.table import TABLE
from mlops_lab.lake import Lake
from mlops_lab.project import Project

CHANNELS: Sequence[Channel] = (TABLE,)
"""The table is the first: an alert is kept before anything else is tried."""


def send_alerts(project: Project, lake: Lake, alerts: Sequence[Alert], *, position: Position) -> None:
    """Send the alerts through every channel; nothing where there are none.

    Where the table cannot be written the error is raised, and the tick is repeated, with the same position. Any other
    channel that fails stops neither the next one nor the tick: its failure becomes an alert in the table.
    """
    if not alerts:
        return
    table, *others = CHANNELS
    table.send(project, lake, alerts, position)
    writer, number = position
    for channel in others:
        try:
            channel.send(project, lake, alerts, position)
        except Exception as error:  # whatever a channel of somebody's own raises
            failure = _failure(channel, alerts, error)
            table.send(project, lake, [failure], (f"{writer}, channel {channel.name}", number))


def send_once_a_day(project: Project, lake: Lake, alert: Alert, *, about: str) -> None:
    """Send an alert about what lasts: the first on each day, by what it is about."""
    send_alerts(project, lake, [alert], position=(about, alert.at.toordinal()))


def _failure(channel: Channel, alerts: Sequence[Alert], error: Exception) -> Alert:
    """The alert that a channel could not send these alerts."""
    what = f"{len(alerts)} alerts could not be sent: {type(error).__name__}: {error}"
    hint = "the table of alerts holds them; they are not sent again"
    return Alert(alerts[-1].at, "alert_channel", what, f'channel "{channel.name}"', hint)
