"""Time: always UTC, always from here or from the data's own time column."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mlops_lab.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def now() -> datetime:
    """The wall clock, in UTC. The only place that asks it."""
    return datetime.now(UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware datetime; exact."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The UTC datetime that `to_micros` maps to `micros`."""
    return EPOCH + timedelta(microseconds=micros)


def parse_duration(text: str) -> timedelta:
    """The length written as `30s`, `90m`, `3h` or `7d`; InvalidInput for anything else or a length of zero."""
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        hint = 'write a number and a unit: "30s", "90m", "3h" or "7d"'
        raise InvalidInput(f'"{text}" is not a duration', code="bad_duration", hint=hint)
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        hint = 'write less: "90m", "3h" or "7d"'
        raise InvalidInput(f'"{text}" is too long', code="bad_duration", hint=hint) from None


def parse_moment(text: str) -> datetime:
    """The UTC moment written in ISO 8601; a moment without a zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f'"{text}" is not a moment in time', code="bad_time", hint="write it as 2013-03-01T05:00:00Z"
        ) from None


def day_start(day: date, zone: str) -> datetime:
    """The UTC moment at which `day` begins on the clocks of `zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str) -> datetime:
    """The UTC moment at which the day of `moment` began on the clocks of `zone`."""
    return day_start(moment.astimezone(ZoneInfo(zone)).date(), zone)


def days_before(moment: datetime, days: int, zone: str) -> datetime:
    """The moment `days` calendar days earlier at the same wall time in `zone`: day windows survive clock changes."""
    return (moment.astimezone(ZoneInfo(zone)) - timedelta(days=days)).astimezone(UTC)


def days_after(moment: datetime, days: int, zone: str) -> datetime:
    """The moment `days` calendar days later at the same wall time in `zone`."""
    return days_before(moment, -days, zone)
