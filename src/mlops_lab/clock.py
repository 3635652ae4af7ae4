"""Time: always UTC, always read here or from the time column of the data."""

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
    """The current time in UTC. The only function that reads the machine's clock."""
    return datetime.now(UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware datetime; exact."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The UTC datetime that `to_micros` maps to `micros`."""
    return EPOCH + timedelta(microseconds=micros)


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of some moments; None where all of them are None."""
    return max((moment for moment in moments if moment is not None), default=None)


def parse_duration(text: str) -> timedelta:
    """The duration written as `30s`, `90m`, `3h` or `7d`; InvalidInput for anything else or a duration of zero."""
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        hint = 'write a number and a unit: "30s", "90m", "3h" or "7d"'
        raise InvalidInput(f'"{text}" is not a duration', code="bad_duration", hint=hint)
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        hint = 'write a shorter one: "90m", "3h" or "7d"'
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
    """The UTC moment at which `day` begins in the time zone `zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str) -> datetime:
    """The UTC moment at which the day of `moment` began in the time zone `zone`."""
    return day_start(moment.astimezone(ZoneInfo(zone)).date(), zone)


def days_before(moment: datetime, days: int, zone: str) -> datetime:
    """The moment `days` calendar days earlier at the same local time in `zone`, also across clock changes."""
    return (moment.astimezone(ZoneInfo(zone)) - timedelta(days=days)).astimezone(UTC)


def days_after(moment: datetime, days: int, zone: str) -> datetime:
    """The moment `days` calendar days later at the same local time in `zone`."""
    return days_before(moment, -days, zone)
