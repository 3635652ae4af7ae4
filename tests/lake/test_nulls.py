"""Rows without a value in a column are found, whatever the table's log tells about it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.lake.nulls import read_nulls

T = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("column", ["at", "other"])
def test_rows_without_a_moment_are_read(tmp_path, column):
    lake = Lake(tmp_path)
    types = {"at": pl.Datetime("us", "UTC"), "other": pl.Datetime("us", "UTC")}
    for number, moments in enumerate([[T, T], [T, None], [None, None]]):
        rows = pl.DataFrame({"number": [number, number], "at": moments, "other": moments}, schema_overrides=types)
        lake.append("table", rows, time="at")
    assert sorted(read_nulls(lake, "table", column)["number"]) == [1, 2, 2]
    assert read_nulls(lake, "table", column, columns=[column]).columns == [column]


def test_where_all_rows_have_a_moment_there_are_none(tmp_path):
    lake = Lake(tmp_path)
    lake.append("table", pl.DataFrame({"number": [1], "at": [T]}), time="at")
    rows = read_nulls(lake, "table", "at")
    assert (rows.height, rows.columns) == (0, ["number", "at"])
