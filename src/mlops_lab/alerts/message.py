"""One message about many alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mlops_lab.alerts.runbooks import runbook_of
from mlops_lab.alerts.states import AlertStatus

MAX_SHOWN = 20
"""How many alerts a message tells of in full. It says how many more there are."""


@dataclass(frozen=True)
class Message:
    """What is sent: its title, and its text."""

    title: str
    text: str


def write_message(project: str, alerts: Sequence[AlertStatus]) -> Message:
    """The message about these alerts of a project: what, where, since when, what to do."""
    rules = Counter(alert.last.rule for alert in alerts)
    counted = ", ".join(rule if count == 1 else f"{count} × {rule}" for rule, count in rules.items())
    title = f"{project}: {counted}" if len(alerts) == 1 else f"{project}: {len(alerts)} alerts ({counted})"
    parts = [_describe(alert) for alert in alerts[:MAX_SHOWN]]
    if hidden := len(alerts) - MAX_SHOWN:
        parts += [f"and {hidden} more: `mlops alerts list`"] if hidden > 0 else []
    parts.append("to acknowledge one: `mlops alerts ack ID`; to silence it for a day: `mlops alerts silence ID`")
    return Message(title, "\n\n".join(parts))


def write_test_message(project: str, channel: str) -> Message:
    """The message of `mlops alerts test`."""
    return Message(f"{project}: a test", f'The channel "{channel}" of {project} works. Nothing has to be done.')


def _describe(alert: AlertStatus) -> str:
    last = alert.last
    times = f", {len(alert.raised)} times since {alert.raised[0].at.isoformat()}" if len(alert.raised) > 1 else ""
    return "\n".join(
        (
            f"[{last.rule}] {last.what}",
            f"where: {last.where}",
            f"when: {last.at.isoformat()}{times}",
            f"what to do: {last.hint}",
            f"runbook: {runbook_of(last.rule).line}",
            f"id: {alert.id}",
        )
    )
