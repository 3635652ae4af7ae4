"""Time: durations, moments, and days that have 23 or 25 hours."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab import clock
from mlops_lab.clock import (
    day_of,
    day_start,
    days_after,
    days_before,
    from_micros,
    latest,
    parse_duration,
    parse_moment,
    to_micros,
)
from mlops_lab.errors import InvalidInput

NEW_YORK = "America/New_York"
ZONES = [
    NEW_YORK,
    "UTC",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # shifts by half an hour
    "America/Sao_Paulo",  # shifted at midnight
    "Pacific/Apia",  # left out a day in 2011
    "Pacific/Kiritimati",
]
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(1980, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))
days = st.dates(date(1980, 1, 1), date(2080, 1, 1))


def test_now_is_in_utc():
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90m", timedelta(minutes=90)),
        ("3h", timedelta(hours=3)),
        ("7d", timedelta(days=7)),
        ("007d", timedelta(days=7)),
    ],
)
def test_durations(text, length):
    assert parse_duration(text) == length


@given(st.integers(1, 10_000), st.sampled_from(["s", "m", "h", "d"]))
def test_any_number_with_a_unit_is_a_duration(number, unit):
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert parse_duration(f"{number}{unit}") == timedelta(seconds=number * seconds)


@pytest.mark.parametrize(
    "text", ["", "3", "h", "0h", "00d", "-3h", "3 h", " 3h", "3h ", "3h\n", "3w", "3.5h", "3H", "1d2h", "9" * 30 + "d"]
)
def test_what_is_no_duration_is_said_with_a_hint(text):
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert caught.value.code == "bad_duration"
    assert '"3h"' in caught.value.hint


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-03-01T05:00:00Z", datetime(2013, 3, 1, 5, tzinfo=UTC)),
        ("2013-03-01T00:00:00-05:00", datetime(2013, 3, 1, 5, tzinfo=UTC)),
        ("2013-03-01T05:00:00", datetime(2013, 3, 1, 5, tzinfo=UTC)),
        ("2013-03-01", datetime(2013, 3, 1, tzinfo=UTC)),
    ],
)
def test_moments(text, moment):
    assert parse_moment(text) == moment
    assert parse_moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "noon", "2013-02-30", "2013-03-01T25:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"]
)
def test_what_is_no_moment_is_said_with_a_hint(text):
    with pytest.raises(InvalidInput) as caught:
        parse_moment(text)
    assert caught.value.code == "bad_time"
    assert "2013-03-01T05:00:00Z" in caught.value.hint


@given(st.text(max_size=12))
def test_any_text_is_a_length_and_a_moment_or_an_error_with_a_hint(text):
    for parse in (parse_duration, parse_moment):
        try:
            parse(text)
        except InvalidInput as error:
            assert error.hint


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones() | st.just(UTC)))
def test_microseconds_are_exact(moment):
    assert from_micros(to_micros(moment)) == moment.astimezone(UTC)
    assert parse_moment(from_micros(to_micros(moment)).isoformat()) == moment.astimezone(UTC)
    assert to_micros(moment.astimezone(timezone(timedelta(hours=14)))) == to_micros(moment)


def test_microseconds_by_example():
    assert to_micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert to_micros(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


@pytest.mark.parametrize(
    ("day", "begins", "hours"),
    [
        (date(2013, 3, 9), datetime(2013, 3, 9, 5, tzinfo=UTC), 24),
        (date(2013, 3, 10), datetime(2013, 3, 10, 5, tzinfo=UTC), 23),
        (date(2013, 3, 11), datetime(2013, 3, 11, 4, tzinfo=UTC), 24),
        (date(2013, 11, 2), datetime(2013, 11, 2, 4, tzinfo=UTC), 24),
        (date(2013, 11, 3), datetime(2013, 11, 3, 4, tzinfo=UTC), 25),
        (date(2013, 11, 4), datetime(2013, 11, 4, 5, tzinfo=UTC), 24),
    ],
)
def test_days_across_the_clock_changes_of_2013(day, begins, hours):
    assert day_start(day, NEW_YORK) == begins
    assert day_start(day + timedelta(days=1), NEW_YORK) - begins == timedelta(hours=hours)


@given(days, zones)
def test_a_day_begins_where_the_one_before_ends(day, zone):
    start, end = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    assert start <= end
    assert start.tzinfo is UTC
    inside = start + (end - start) / 2
    if start < end:  # a day that an island left out has no moments
        assert inside.astimezone(ZoneInfo(zone)).date() == day


@given(st.integers(0, 400), st.integers(0, 30), st.sampled_from(["America/New_York", "UTC", "Asia/Kolkata"]))
def test_windows_of_days_go_from_midnight_to_midnight(offset, length, zone):
    day = date(2013, 1, 1) + timedelta(days=offset)
    assert days_before(day_start(day, zone), length, zone) == day_start(day - timedelta(days=length), zone)


@given(moments, st.integers(0, 400), zones)
def test_days_before_keep_the_time_on_the_clock(moment, count, zone):
    before = days_before(moment, count, zone)
    assert before.tzinfo is UTC
    shown = before.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    expected = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(days=count)
    skipped = abs(shown - expected)  # a time that the clocks left out is shown as a later one
    assert skipped in {timedelta(0), timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)}
    assert abs(moment - before - timedelta(days=count)) <= timedelta(days=1)


def test_a_day_earlier_across_the_clock_changes():
    for noon, hours in ((datetime(2013, 3, 10, 16, tzinfo=UTC), 23), (datetime(2013, 11, 3, 17, tzinfo=UTC), 25)):
        assert noon - days_before(noon, 1, NEW_YORK) == timedelta(hours=hours)
    assert days_before(datetime(2013, 3, 11, 6, 30, tzinfo=UTC), 1, NEW_YORK) == datetime(
        2013, 3, 10, 7, 30, tzinfo=UTC
    )


@given(moments, st.integers(0, 400), zones)
def test_days_after_are_days_before_backwards(moment, count, zone):
    later = days_after(moment, count, zone)
    local, there = moment.astimezone(ZoneInfo(zone)), later.astimezone(ZoneInfo(zone))
    assert abs((there.replace(tzinfo=None) - local.replace(tzinfo=None)) - timedelta(days=count)) <= timedelta(days=1)
    assert abs(days_before(later, count, zone) - moment) <= timedelta(days=1)


@given(moments, zones)
def test_the_day_of_a_moment_began_before_it(moment, zone):
    began = day_of(moment, zone)
    assert began <= moment < day_start(moment.astimezone(ZoneInfo(zone)).date() + timedelta(days=1), zone)


@given(st.lists(st.none() | moments, max_size=4))
def test_the_latest_moment_ignores_what_is_missing(drawn):
    known = [moment for moment in drawn if moment is not None]
    assert latest(*drawn) == (max(known) if known else None)
