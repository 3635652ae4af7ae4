"""The newest moment in the tables of a project."""

from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_lab import clock
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.newest import trusted_newest

T = datetime(2013, 3, 1, tzinfo=UTC)


def test_with_the_machines_clock_nothing_in_the_future_counts(write_project, tmp_path, monkeypatch):
    project = write_project(tmp_path, ('clock = "data"', 'clock = "wall"'))
    lake = Lake(tmp_path / "lake")
    monkeypatch.setattr(clock, "now", lambda: T)
    assert trusted_newest(project, lake) is None
    rows = [{"id": str(days), "at": T + timedelta(days=days)} for days in (-1, 400)]
    PREDICTIONS.append(lake, pl.DataFrame(rows, schema_overrides={"at": pl.Datetime("us", "UTC")}))
    assert trusted_newest(project, lake) == T - timedelta(days=1)
