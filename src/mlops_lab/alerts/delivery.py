"""Sending alerts: those that are open go through every channel, in one message, when the loop's other work is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.post import SENT, Post, PostResult, post_all
from mlops_lab.alerts.channels.run import send_once_a_day
from mlops_lab.alerts.deliveries import Delivery, read_deliveries, write_deliveries
from mlops_lab.alerts.message import Message, write_message, write_test_message
from mlops_lab.alerts.runbooks import CHANNEL_RULE, runbook_of
from mlops_lab.alerts.states import AlertState, AlertStatus, read_statuses
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import ALERTS

MAX_AGE = timedelta(days=7)
"""Alerts that were last raised longer ago are not sent: those from before a channel was declared are in the table."""
_FIRST_WAIT = timedelta(minutes=1)


def deliver_alerts(project: Project, lake: Lake, *, now: datetime) -> None:
    """Send each open alert through each channel until it is sent, or was tried as often as is allowed.

    A channel that fails stops neither the others nor the loop: an alert about it goes into the table, once a day, and
    through the others. The attempts are written down after they were made: where the process is killed in between, the
    message is sent once more.
    """
    channels = project.settings.alerts.channels
    if not channels or not ALERTS.exists(lake):
        return
    statuses, deliveries = read_statuses(project, lake, now=now), read_deliveries(lake)
    due = {name: _due(project, name, statuses, deliveries, now=now) for name in channels}
    due = {name: alerts for name, alerts in due.items() if alerts}
    if not due:
        return
    results = _post(project, {name: write_message(project.name, alerts) for name, alerts in due.items()})
    attempts = [
        _note(now, name, results[name], alert=alert.id, attempt=len(_attempts(alert, name, deliveries)) + 1)
        for name, alerts in due.items()
        for alert in alerts
    ]
    write_deliveries(lake, attempts)
    _raise_failures(project, lake, results, now=now)


def try_channels(project: Project, lake: Lake, *, now: datetime) -> dict[str, PostResult]:
    """Send a test message through each channel; what happened to each, which is also written into the log."""
    names = project.settings.alerts.channels
    results = _post(project, {name: write_test_message(project.name, name) for name in names})
    write_deliveries(lake, [_note(now, name, result, alert=None) for name, result in results.items()])
    return results


def channel_place(name: str) -> str:
    """What an alert about a channel is about."""
    return f'channel "{name}"'


def _due(
    project: Project, channel: str, statuses: Iterable[AlertStatus], deliveries: Sequence[Delivery], *, now: datetime
) -> list[AlertStatus]:
    """The alerts that a channel is to send now. It never sends those about itself."""
    about_itself = (CHANNEL_RULE, channel_place(channel))
    return [
        status
        for status in statuses
        if status.state is AlertState.OPEN and status.silenced_until is None and runbook_of(status.last.rule).is_sent
        if now - status.last.at <= MAX_AGE and status.last.key != about_itself
        if _is_due(_attempts(status, channel, deliveries), project.settings.alerts.max_attempts, now=now)
    ]


def _attempts(status: AlertStatus, channel: str, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """The attempts to send the alert through the channel since it was opened."""
    ids = {alert.id for alert in status.raised}
    return [item for item in deliveries if item.channel == channel and item.alert in ids and item.at >= status.opened]


def _is_due(attempts: Sequence[Delivery], max_attempts: int, *, now: datetime) -> bool:
    if any(item.result == SENT for item in attempts) or len(attempts) >= max_attempts:
        return False
    wait = _FIRST_WAIT * 2 ** (len(attempts) - 1) if attempts else timedelta(0)
    return not attempts or abs(now - attempts[-1].at) >= wait  # abs: the clock was set back since


def _post(project: Project, messages: dict[str, Message]) -> dict[str, PostResult]:
    channels = project.settings.alerts.channels
    posts = {name: Post(channels[name], message.title, message.text) for name, message in messages.items()}
    return post_all(posts, timeout_seconds=project.settings.alerts.timeout_seconds)


def _note(now: datetime, channel: str, result: PostResult, *, alert: str | None, attempt: int = 1) -> Delivery:
    return Delivery(
        at=now, channel=channel, alert=alert, attempt=attempt,
        result=result.result, reason=result.reason, seconds=result.seconds,
    )  # fmt: skip


def _raise_failures(project: Project, lake: Lake, results: dict[str, PostResult], *, now: datetime) -> None:
    for name, result in results.items():
        if result.result != SENT:
            what = f'the channel "{name}" sends no alerts: {result.reason}'
            hint = "`mlops alerts list` has all alerts; `mlops alerts test` tries the channel"
            alert = Alert(now, CHANNEL_RULE, what, channel_place(name), hint)
            send_once_a_day(project, lake, alert, about=channel_place(name))
