"""Which days are still to be measured, and which could not be."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.clock import day_of
from mlops_lab.lake import Lake
from mlops_lab.loop.days import (
    MAX_DAYS,
    NO_TICK,
    WRITER,
    UnmeasuredTime,
    days_to_measure,
    measured_until,
    position_of,
    split_days,
    unmeasured_times,
)
from mlops_lab.monitoring.measure import note_unmeasured
from mlops_lab.monitoring.window import Window
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import MEASUREMENTS

DAY = timedelta(days=1)
NEW_YORK = "America/New_York"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def bootstrap(at: datetime) -> list[Decision]:
    return [Decision(at, DecisionKind.BOOTSTRAP, 1, "gates", "good", "test")]


def write_row(lake: Lake, window: Window, *, positioned: bool = True) -> None:
    row = (window.end, window.hours, "volume", "outcomes", 1, 0.0, "champion", window.end)
    rows = pl.DataFrame([row], schema=MEASUREMENTS.fixed_schema, orient="row")
    MEASUREMENTS.append(lake, rows, position=position_of(window, WRITER) if positioned else None)


def test_days_are_measured_from_the_one_on_which_the_first_version_went_live(tiny, lake):
    midnight = day_of(tiny.now, NEW_YORK)
    decisions = bootstrap(midnight + timedelta(hours=7))
    assert days_to_measure(tiny.project, lake, [], now=tiny.now) == []
    assert days_to_measure(tiny.project, lake, decisions, now=midnight + timedelta(hours=23)) == []
    (day,) = days_to_measure(tiny.project, lake, decisions, now=midnight + timedelta(hours=30))
    assert (day.began, day.end) == (midnight, midnight + DAY)


def test_days_go_on_where_the_last_measured_one_ended(tiny, lake):
    """Also where the last was measured in another time zone."""
    midnight = day_of(tiny.now, NEW_YORK)
    odd = Window(midnight - DAY, midnight + timedelta(hours=3))
    write_row(lake, odd)
    assert measured_until(lake, []) == odd.end
    days = days_to_measure(tiny.project, lake, bootstrap(midnight - DAY), now=midnight + 2 * DAY)
    assert days == [Window(odd.end, midnight + DAY), Window(midnight + DAY, midnight + 2 * DAY)]
    assert days_to_measure(tiny.project, lake, bootstrap(midnight - DAY), now=midnight) == [], "nothing twice"


def test_what_lies_too_far_back_is_one_window():
    start = datetime(2013, 1, 1, tzinfo=UTC)
    days = [Window(start + day * DAY, start + (day + 1) * DAY) for day in range(MAX_DAYS + 5)]
    assert split_days(days[:MAX_DAYS]) == (None, days[:MAX_DAYS])
    assert split_days(days) == (Window(start, start + 5 * DAY), days[5:])
    assert split_days([]) == (None, [])


def test_what_could_not_be_measured_is_listed_with_the_days_that_older_releases_left_out(lake):
    assert unmeasured_times(lake) == []
    start = datetime(2013, 1, 1, tzinfo=UTC)
    days = [Window(start + day * DAY, start + (day + 1) * DAY) for day in range(5)]
    write_row(lake, days[0])
    write_row(lake, days[3], positioned=False)
    MEASUREMENTS.append(lake, note_unmeasured(days[4], version=1, reason="the disk is gone"))
    assert unmeasured_times(lake) == [
        UnmeasuredTime(Window(days[1].began, days[2].end), NO_TICK),
        UnmeasuredTime(days[4], "the disk is gone"),
    ]
