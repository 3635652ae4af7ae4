"""Moments as text, in the usual formats."""

from __future__ import annotations

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


@pytest.mark.parametrize(("scale", "format"), [(1, "epoch_s"), (1000, "epoch_ms"), (1_000_000, "epoch_us")])
def test_whole_numbers_that_are_named_like_a_time_are_moments(scale: int, format: str) -> None:
    made = make_moments()
    numbers = [int(moment.timestamp()) * scale for moment in made]
    column, values = profile_column(pl.Series("created_at", [*numbers, None]), "created_at")
    assert (column.kind, column.format, column.missing) == ("datetime", format, 1)
    assert values.drop_nulls().to_list() == [moment.replace(microsecond=0) for moment in made]
    assert profile_column(pl.Series("account", numbers), "account")[0].kind == "integer"
    assert profile_column(pl.Series("dated", [2024, 2025]), "dated")[0].kind == "integer"


@pytest.mark.parametrize(("text", "format"), [("2024-{:02}", "%Y-%m"), ("{:02}/2024", "%m/%Y")])
def test_a_month_is_its_first_day(text: str, format: str) -> None:
    column, values = profile_column(pl.Series("month", [text.format(1 + n % 12) for n in range(30)]), "month")
    assert (column.kind, column.format) == ("datetime", format)
    assert {(value.month, value.day) for value in values} == {(month, 1) for month in range(1, 13)}


def test_the_flag_decides_where_days_and_months_could_be_swapped() -> None:
    made = pl.Series("at", [f"{1 + n % 9:02}/{1 + n % 11:02}/24" for n in range(ROWS)])
    for format in ("%d/%m/%y", "%m/%d/%y"):
        column, values = profile_column(made, "at", moment_format=format)
        assert column.format == format
        assert values.dt.strftime(format).to_list() == made.to_list()


@pytest.mark.parametrize("values", [["2024"] * 9, ["1.2.3"] * 9, ["2024-01-02", "later"] * 5, ["12:30"] * 9])
def test_text_that_is_no_moment(values: list[str]) -> None:
    assert profile_column(pl.Series("at", values), "at")[0].kind == "string"
