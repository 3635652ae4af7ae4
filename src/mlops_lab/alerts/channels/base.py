"""What an alert channel is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.project import Project

Position = tuple[str, int]
"""Who sends alerts, and a number that grows: the same alerts have the same position, however often they are sent."""


@dataclass(frozen=True)
class Channel:
    """A place that alerts are sent to: its name, and the function that sends some alerts there.

    `send(project, lake, alerts, position)` is called with one alert or more, and again with the same position where a
    tick was killed and repeated: the channel must deliver each position once. It may raise anything.
    """

    name: str
    send: Callable[[Project, Lake, Sequence[Alert], Position], None]
