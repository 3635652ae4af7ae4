"""Stretches of the log hold each prediction once, in order."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_stretches import read_stretches, read_versions
from mlops_lab.tables.declared import PREDICTIONS

T = datetime(2026, 3, 1, tzinfo=UTC)


def log(folder, minutes: list[int | None]) -> Lake:
    lake = Lake(folder)
    for part in (minutes[::2], minutes[1::2]):
        rows = [
            {"id": f"{minute}-{number}", "at": None if minute is None else T + timedelta(minutes=minute), "version": 1}
            for number, minute in enumerate(part)
        ]
        PREDICTIONS.append(lake, pl.DataFrame(rows, schema_overrides={"at": pl.Datetime("us", "UTC")}))
    return lake


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_each_prediction_is_in_one_stretch(tmp_path, rows):
    lake = log(tmp_path, [3, 1, None, 1, 1, 7, 9, None, 2, 3])
    first, *stretches = read_stretches(
        lake, rows=rows, cuts=[T - timedelta(days=1), T + timedelta(minutes=5), T + timedelta(days=1)]
    )
    assert first["at"].null_count() == first.height == 2
    found = pl.concat(stretches)
    everything = PREDICTIONS.read(lake).drop_nulls("at").sort("at", "id")
    assert found.equals(everything)
    assert all(
        part["at"].max() < T + timedelta(minutes=5) or part["at"].min() >= T + timedelta(minutes=5)
        for part in stretches
        if part.height
    )
    assert len(stretches) == {1: 6, 2: 4, 100: 2}[rows]


def test_a_log_without_moments_is_one_stretch(tmp_path):
    lake = log(tmp_path, [None, None])
    assert [part.height for part in read_stretches(lake, rows=10)] == [2]
    assert read_versions(lake) == [1]
