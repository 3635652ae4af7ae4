"""Moments as numbers: since 1970, and digits of days and months."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from starter_tables import make_moments

from mlops_lab.starter.columns import profile_column
from mlops_lab.starter.number_moments import find_number_moments

UNITS = [(1, "epoch_s"), (10**3, "epoch_ms"), (10**6, "epoch_us"), (10**9, "epoch_ns")]


@pytest.mark.parametrize(("scale", "format"), UNITS)
def test_whole_numbers_that_are_named_like_a_time_are_moments(scale: int, format: str) -> None:
    made = make_moments()
    numbers = [int(moment.timestamp()) * scale for moment in made]
    for given in ([*numbers, None], pl.Series([*numbers, None], dtype=pl.Float64)):  # pandas' floats beside a null
        column, values = profile_column(pl.Series("created_at", given), "created_at")
        assert (column.kind, column.format, column.missing) == ("datetime", format, 1)
        assert values.drop_nulls().to_list() == [moment.replace(microsecond=0) for moment in made]
    assert profile_column(pl.Series("account", numbers), "account")[0].kind == "integer"
    assert profile_column(pl.Series("update_id", numbers), "update_id")[0].kind == "integer"
    assert profile_column(pl.Series("account", numbers), "account", is_time=True)[0].format == format
    assert profile_column(pl.Series("account", numbers), "account", moment_format=format)[0].format == format


@pytest.mark.parametrize(("scale", "format"), UNITS[:2])
def test_a_fraction_of_a_second_is_kept(scale: int, format: str) -> None:
    column, values = profile_column(pl.Series("ts", [1_700_000_000.25 * scale, 1_700_000_001.123456 * scale]), "ts")
    assert (column.kind, column.format) == ("datetime", format)
    assert [value.microsecond for value in values] == [250_000, 123_456]


def test_moments_of_the_last_century_are_some_too() -> None:
    assert find_number_moments(pl.Series("timestamp", [874_724_710, 893_286_638])) is not None


@pytest.mark.parametrize(
    ("name", "values", "format"),
    [
        ("date", [20240131, 20240201], "%Y%m%d"),
        ("date", [20240131.0, None], "%Y%m%d"),
        ("x", [20240100 + day for day in range(1, 13)], "%Y%m%d"),
        ("period", [202401, 202402], "%Y%m"),
    ],
)
def test_digits_of_days_and_months_are_moments(name: str, values: list[float], format: str) -> None:
    column, moments = profile_column(pl.Series(name, values), name)
    assert (column.kind, column.format) == ("datetime", format)
    assert moments[0].strftime(format) == str(int(values[0]))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("date", [20240131, 20240231]),
        ("x", [20240131, 20240201]),
        ("x", [202401, 202402]),
        ("period", [202401, 202413]),
        ("dated", [2024, 2025]),
        ("created", [0.5, 1.5]),
        ("created", [True, False]),
        ("lifetime_value", [1_700_000_000, 1_800_000_000]),
        ("monthly_fee", [1_700_000_000.5, 1_800_000_000.5]),
    ],
)
def test_numbers_that_are_no_moments(name: str, values: list[float]) -> None:
    assert find_number_moments(pl.Series(name, values)) is None


def test_the_flag_reads_years_of_a_column_that_is_named_like_a_time() -> None:
    found = find_number_moments(pl.Series("date", [1999, 2024]), "%Y")
    assert found is not None
    assert found[0].to_list() == [datetime(1999, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
