"""Alerts as the commands print them with `--json`."""

from __future__ import annotations

from msgspec import Struct


class AlertEventRecord(Struct, frozen=True, kw_only=True):
    """What was done about an alert: `acknowledged`, `resolved` or `silenced` (`until` when), by whom and why."""

    at: str
    event: str
    by: str
    reason: str
    until: str | None = None


class TrackedAlert(Struct, frozen=True, kw_only=True):
    """An alert: its state (`open`, `acknowledged`, `resolved`) and since when it is in it, what the rule saw last and
    where, what to do about it, and the runbook: what to look at (`look`) and the command to `run`.

    `first` and `last`: when it was raised first and last, `times`: how often. `silenced_until`: null where it is sent.
    """

    id: str
    rule: str
    state: str
    since: str
    what: str
    where: str
    hint: str
    look: str
    run: str
    first: str
    last: str
    times: int
    silenced_until: str | None


class AlertsRecord(Struct, frozen=True, kw_only=True):
    """`mlops alerts list`: the alerts that are not resolved (`--all`: all), by when they were first raised."""

    schema_version: int = 1
    alerts: list[TrackedAlert]


class DeliveryRecord(Struct, frozen=True, kw_only=True):
    """An attempt to send an alert: when, through which channel, the number of the attempt, its result (`sent`,
    `failed`, `timed_out`), the reason where it was not sent, and how long it took."""

    at: str
    channel: str
    attempt: int
    result: str
    reason: str
    seconds: float


class AlertDetails(TrackedAlert, frozen=True, kw_only=True):
    """`mlops alerts show`: the alert, what was done about it, and each attempt to send it, oldest first."""

    schema_version: int = 1
    events: list[AlertEventRecord]
    deliveries: list[DeliveryRecord]


class ClosedAlert(TrackedAlert, frozen=True, kw_only=True):
    """`mlops alerts ack | resolve`: the alert as it is now."""

    schema_version: int = 1


class SilenceRecord(AlertEventRecord, frozen=True, kw_only=True):
    """`mlops alerts silence`: alerts of the `rule`, about something (`about`; null: whatever they are about), are not
    sent until a moment."""

    schema_version: int = 1
    rule: str
    about: str | None


class ChannelTest(Struct, frozen=True, kw_only=True):
    """A test message: the channel, the result (`sent`, `failed`, `timed_out`), the reason where it was not sent, and
    how long it took."""

    channel: str
    result: str
    reason: str
    seconds: float


class ChannelTests(Struct, frozen=True, kw_only=True):
    """`mlops alerts test`: what happened to the test message of each channel."""

    schema_version: int = 1
    channels: list[ChannelTest]
