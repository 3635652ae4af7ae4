"""The newest moment in the tables of a project."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_lab import clock
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.newest import newest_moments, trusted_newest

T = datetime(2013, 3, 1, tzinfo=UTC)


def test_with_the_machines_clock_nothing_in_the_future_counts(write_project, tmp_path, monkeypatch):
    project = write_project(tmp_path, ('clock = "data"', 'clock = "wall"'))
    lake = Lake(tmp_path / "lake")
    monkeypatch.setattr(clock, "now", lambda: T)
    assert trusted_newest(project, lake) is None
    rows = [{"id": str(days), "at": T + timedelta(days=days)} for days in (-1, 400)]
    PREDICTIONS.append(lake, pl.DataFrame(rows, schema_overrides={"at": pl.Datetime("us", "UTC")}))
    assert trusted_newest(project, lake) == T - timedelta(days=1)


@pytest.mark.parametrize("count", [1, 3, 100])
def test_the_newest_moments_are_those_of_the_whole_column(tmp_path, count):
    lake = Lake(tmp_path / "lake")
    for first in (0, 40, 20, 41):
        moments = [T + timedelta(minutes=first, microseconds=step * 7) for step in range(10)]
        PREDICTIONS.append(lake, pl.DataFrame({"id": ["x"] * 11, "at": [*moments, None]}))
    everything = PREDICTIONS.read(lake)["at"].drop_nulls()
    found = newest_moments(lake, "predictions", "at", count=count)
    assert sorted(found) == sorted(everything.top_k(count))
    until = T + timedelta(minutes=40, microseconds=20)
    found = newest_moments(lake, "predictions", "at", count=count, until=until)
    assert sorted(found) == sorted(everything.filter(everything <= until).top_k(count))
