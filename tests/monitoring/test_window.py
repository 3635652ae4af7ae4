"""Days as windows: each begins where the one before ended."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import day_start
from mlops_lab.monitoring.window import Window, whole_days

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo"]
moments = st.datetimes(datetime(2013, 1, 1), datetime(2014, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))


def test_a_day_on_which_the_clocks_change_is_shorter():
    began = day_start(date(2013, 3, 9), "America/New_York")
    days = list(whole_days(began, began + timedelta(days=3), "America/New_York"))
    assert [day.hours for day in days] == [24.0, 23.0, 24.0]


def test_a_day_that_is_not_over_is_no_day():
    began = day_start(date(2013, 3, 1), "UTC")
    day = timedelta(days=1)
    assert list(whole_days(began, began + day - timedelta(microseconds=1), "UTC")) == []
    assert list(whole_days(began, began + day, "UTC")) == [Window(began, began + day)]
    assert list(whole_days(began + day, began, "UTC")) == []


@given(st.sampled_from(ZONES), st.sampled_from(ZONES), moments, st.integers(0, 40), st.integers(0, 40))
def test_days_neither_overlap_nor_leave_time_out_where_the_time_zone_changes(first, second, start, days, more):
    change = start + timedelta(days=days)
    before = list(whole_days(start, change, first))
    began = before[-1].end if before else start
    now = change + timedelta(days=more)
    after = list(whole_days(began, now, second))
    windows = before + after
    assert [window.began for window in windows[1:]] == [window.end for window in windows[:-1]]
    assert all(0 < window.hours <= 25 for window in windows)
    if windows:
        assert windows[0].began == start
        assert windows[-1].end <= now
    if after:
        assert now - after[-1].end < timedelta(hours=25)
