"""What "now" is: the machine's time, or just after the newest moment in the data."""

from datetime import timedelta

import polars as pl

from mlops_lab import clock
from mlops_lab.intake.now import current_moment
from mlops_lab.tables.declared import MEASUREMENTS

SECOND = timedelta(seconds=1)


def test_the_clock_of_the_data_stands_just_after_its_newest_moment(small):
    newest = small.orders["known_at"].max()
    assert current_moment(small.project, small.lake) == newest + SECOND
    assert small.lake.read("orders").height == 10, "an empty lake is loaded first"
    row = (newest + timedelta(days=1), 24.0, "volume", "predictions", 1, 0.0, "champion", None)
    MEASUREMENTS.append(small.lake, pl.DataFrame([row], schema=MEASUREMENTS.fixed_schema, orient="row"))
    assert current_moment(small.project, small.lake) == newest + timedelta(days=1) + SECOND


def test_the_clock_on_the_wall_is_the_machines(make_small, monkeypatch):
    small = make_small(('clock = "data"', 'clock = "wall"'))
    before = clock.now()
    assert before <= current_moment(small.project, small.lake) <= clock.now()
    assert small.lake.tables() == []
