"""Bounds of files: what a table's log tells about a column, and what it does not."""

from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_lab.lake import Lake

T = datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")


def test_every_value_lies_within_the_bounds_of_its_file(tmp_path):
    """The log has whole milliseconds only."""
    lake = Lake(tmp_path)
    for micros in (1, 999, 1500):
        rows = pl.DataFrame({"at": [T, T + timedelta(microseconds=micros)]}, schema={"at": MOMENT})
        lake.append("table", rows, time="at")
    for file in lake.bounds("table", "at"):
        (rows,) = lake.read_files("table", [file.path])
        assert file.least <= rows["at"].min()
        assert rows["at"].max() <= file.greatest
        assert file.may_reach(rows["at"].max())
        assert not file.may_reach(T + timedelta(seconds=1))
        assert not file.may_have_nulls


def test_what_is_not_known_is_not_excluded(tmp_path):
    lake = Lake(tmp_path)
    lake.append("table", pl.DataFrame({"at": [T, None], "other": [T, T]}, schema_overrides={"at": MOMENT}), time="at")
    lake.append("table", pl.DataFrame({"at": [None], "other": [T]}, schema_overrides={"at": MOMENT}), time="at")
    assert all(file.may_have_nulls for file in lake.bounds("table", "at"))
    assert sorted(file.least is None for file in lake.bounds("table", "at")) == [False, True]
    for file in lake.bounds("table", "other"):  # no statistics are kept for it
        assert (file.least, file.greatest, file.may_have_nulls) == (None, None, True)
        assert file.may_reach(T)
