"""Moments of files, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.moments import EPOCHS, parse_moments


def test_moments_are_in_utc() -> None:
    five = datetime(2013, 3, 1, 5, tzinfo=UTC)
    assert parse_moments(pl.Series(["2013-03-01 05:00", "soon"])).to_list() == [five, None]
    assert parse_moments(pl.Series([date(2013, 3, 1)])).to_list() == [five.replace(hour=0)]
    assert parse_moments(pl.Series([five.replace(tzinfo=None)])).to_list() == [five]
    assert parse_moments(pl.Series(["01.03.2013 05:00"]), "%d.%m.%Y %H:%M").to_list() == [five]
    assert parse_moments(pl.Series([1.5])) is None
    assert parse_moments(pl.Series(["1"]), "epoch_s") is None


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_numbers_since_1970_are_exact(moment: datetime) -> None:
    microseconds = (moment - datetime(1970, 1, 1)) // (datetime(1970, 1, 1, 0, 0, 0, 1) - datetime(1970, 1, 1))
    for format, scale in EPOCHS.items():
        number = microseconds * 1000 if format == "epoch_ns" else microseconds / scale
        assert parse_moments(pl.Series([number, None]), format).to_list() == [moment.replace(tzinfo=UTC), None]


@pytest.mark.parametrize(
    ("values", "format", "expected"),
    [
        (["2024Q2", "2024Q5", None], "%YQ%q", [(2024, 4, 1), None, None]),
        (["Q1 70", "Q4 69"], "Q%q %y", [(1970, 1, 1), (2069, 10, 1)]),
        (["Q1"], "Q%q", [None]),
        (["2024-W01", "2024-W54"], "%G-W%V", [(2024, 1, 1), None]),
        (["2024-06", "2024-13"], "%Y-%m", [(2024, 6, 1), None]),
        ([2024, 2025.0, 2025.5], "%Y", [(2024, 1, 1), (2025, 1, 1), None]),
        ([20240229, 20230229], "%Y%m%d", [(2024, 2, 29), None]),
    ],
)
def test_a_span_is_its_first_day(
    values: list[object], format: str, expected: list[tuple[int, int, int] | None]
) -> None:
    days = [day and datetime(*day, tzinfo=UTC) for day in expected]
    assert parse_moments(pl.Series(values, strict=False), format).to_list() == days
