"""Moments as text, in the usual formats."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from starter_tables import ROWS, make_moments

from mlops_lab.starter.columns import profile_column

WRITTEN: dict[str, tuple[str, str | None]] = {
    "ISO": ("%Y-%m-%dT%H:%M:%SZ", None),
    "with a space": ("%Y-%m-%d %H:%M:%S", None),
    "to the minute": ("%Y-%m-%d %H:%M", None),
    "date only": ("%Y-%m-%d", None),
    "slashes": ("%Y/%m/%d", None),
    "German": ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M"),
    "German date": ("%d.%m.%Y", "%d.%m.%Y"),
    "American": ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"),
    "American, noon": ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
    "British": ("%d/%m/%Y", "%d/%m/%Y"),
    "with a zone": ("%Y-%m-%d %H:%M:%S UTC", None),
    "American, two digits": ("%m/%d/%y", "%m/%d/%y"),
    "British, two digits": ("%d/%m/%y", "%d/%m/%y"),
    "named month": ("%d-%b-%Y", "%d-%b-%Y"),
    "name first": ("%b %d, %Y", "%b %d, %Y"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_moments_in_usual_formats(name: str) -> None:
    spelling, written = WRITTEN[name]
    made = [f"{moment:{spelling}}" for moment in make_moments()]
    column, values = profile_column(pl.Series("at", [*made[:-1], "NULL"]), "at")
    assert (column.kind, column.format, column.missing) == ("datetime", written, 1)
    back = [f"{moment:{spelling}}" for moment in values.drop_nulls()]
    assert back == made[:-1]


def test_a_format_is_called_a_guess_where_days_and_months_could_be_swapped() -> None:
    made = [f"{1 + n % 9:02}/{1 + n % 11:02}/2024" for n in range(ROWS)]
    column, _ = profile_column(pl.Series("at", made), "at")
    assert column.format == "%d/%m/%Y"
    assert "a guess" in column.notes[0]
    growing = [f"{1 + n // 99:02}/{1 + n // 40:02}/2024" for n in range(ROWS)]
    assert profile_column(pl.Series("at", growing), "at")[0].kind == "datetime"


MONTHS = {
    "2024-01": "%Y-%m",
    "01/2024": "%m/%Y",
    "01.2024": "%m.%Y",
    "2024M01": "%YM%m",
    "Jan 2024": "%b %Y",
    "January 2024": "%b %Y",
    "Jan-2024": "%b-%Y",
    "2024-Jan": "%Y-%b",
}


@pytest.mark.parametrize("written", MONTHS)
def test_a_month_is_its_first_day(written: str) -> None:
    spelling = written
    for text, directive in (("2024", "%Y"), ("January", "%B"), ("Jan", "%b"), ("01", "%m")):
        spelling = spelling.replace(text, directive)
    made = [f"{datetime(2020 + n // 12, 1 + n % 12, 1):{spelling}}" for n in range(30)]
    column, values = profile_column(pl.Series("month", made), "month")
    assert (column.kind, column.format) == ("datetime", MONTHS[written])
    assert values[13] == datetime(2021, 2, 1, tzinfo=UTC)
    assert values.to_list() == sorted(values)


@pytest.mark.parametrize(
    ("written", "format", "moment"),
    [
        ("2024Q3", "%YQ%q", datetime(2024, 7, 1)),
        ("2024q3", "%YQ%q", datetime(2024, 7, 1)),
        ("2024-Q3", "%Y-Q%q", datetime(2024, 7, 1)),
        ("Q3 2024", "Q%q %Y", datetime(2024, 7, 1)),
        ("3Q24", "%qQ%y", datetime(2024, 7, 1)),
        ("Q4-99", "Q%q-%y", datetime(1999, 10, 1)),
        ("2024-W05", "%G-W%V", datetime(2024, 1, 29)),
        ("2024W05", "%GW%V", datetime(2024, 1, 29)),
        ("2024-W05-3", "%G-W%V-%u", datetime(2024, 1, 31)),
        ("2025-W01", "%G-W%V", datetime(2024, 12, 30)),
        ("Wed Oct 10 20:19:24 +0200 2018", "%a %b %d %H:%M:%S %z %Y", datetime(2018, 10, 10, 18, 19, 24)),
        ("10/Oct/2000:13:55:36 -0700", "%d/%b/%Y:%H:%M:%S %z", datetime(2000, 10, 10, 20, 55, 36)),
        ("31.01.2024 10:00:00.5", "%d.%m.%Y %H:%M:%S%.f", datetime(2024, 1, 31, 10, 0, 0, 500_000)),
    ],
)
def test_quarters_weeks_and_what_tools_write(written: str, format: str, moment: datetime) -> None:
    column, values = profile_column(pl.Series("at", [written, written, "NA"]), "at")
    assert (column.kind, column.format, column.missing) == ("datetime", format, 1)
    assert values[0] == moment.replace(tzinfo=UTC)


def test_a_number_after_a_month_is_a_year_unless_it_counts_days() -> None:
    years, days = [f"Jan-{n}" for n in (24, 25, 26)], [f"Jan-{n:02}" for n in range(1, 32)]
    column, values = profile_column(pl.Series("month", years), "month")
    assert column.format == "%b-%y"
    assert "a guess" in column.notes[0]
    assert values[0] == datetime(2024, 1, 1, tzinfo=UTC)
    assert profile_column(pl.Series("month", ["Jan-99", "Feb-99"]), "month")[0].notes == ("written as %b-%y",)
    assert profile_column(pl.Series("day", days), "day")[0].kind == "string"


def test_a_time_in_no_known_format_is_told() -> None:
    column, _ = profile_column(pl.Series("created", ["3. janvier 2024", "4. janvier 2024"]), "created")
    assert column.kind == "string"
    assert "'3. janvier 2024', in no known format" in column.notes[0]


def test_the_flag_decides_where_days_and_months_could_be_swapped() -> None:
    made = pl.Series("at", [f"{1 + n % 9:02}/{1 + n % 11:02}/24" for n in range(ROWS)])
    for format in ("%d/%m/%y", "%m/%d/%y"):
        column, values = profile_column(made, "at", moment_format=format)
        assert column.format == format
        assert values.dt.strftime(format).to_list() == made.to_list()


@pytest.mark.parametrize(
    "values", [["2024"] * 9, ["1.2.3"] * 9, ["2024-01-02", "later"] * 5, ["12:30"] * 9, ["2024Q5"] * 9, ["A4 2024"] * 9]
)
def test_text_that_is_no_moment(values: list[str]) -> None:
    assert profile_column(pl.Series("at", values), "at")[0].kind == "string"
