"""The log against its digests: every change is named with its place, and nothing else is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.features import View, last
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import LogProblem, check_log, check_log_between, missing_fact_columns
from mlops_lab.schemas.digest import digest_rows
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import Table

DAY = datetime(2013, 3, 1, tzinfo=UTC)
Change = Callable[[pl.DataFrame], pl.DataFrame]


def make_rows(day: int, *, time: str) -> pl.DataFrame:
    """Four rows an hour, for ten hours of a day."""
    count = 40
    return pl.DataFrame(
        {
            "id": [f"{day}-{number}" for number in range(count)],
            time: [DAY + timedelta(days=day, minutes=15 * number) for number in range(count)],
            "version": [1] * count,
            "output": [number / 100 for number in range(count)],
            "shop": [None if number % 4 == 0 else "a" for number in range(count)],
        },
        schema_overrides={time: pl.Datetime("us", "UTC")},
    )


def append(lake: Lake, table: Table, day: int) -> None:
    """What intake does: the digests first, then the rows."""
    rows, first, end = make_rows(day, time=table.time), 100 * day, 100 * day + 100
    digests = digest_rows(rows, id_column="id", time_column=table.time)
    written = digests.with_columns(table=pl.lit(table.name), writer=pl.lit("journal"), first=first, last=end)
    types = LOG_DIGESTS.fixed_schema
    LOG_DIGESTS.append(lake, written.select(pl.col(name).cast(dtype) for name, dtype in types.items()))
    table.append(lake, rows, position=("journal", end))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three days of predictions and outcomes."""
    lake = Lake(tmp_path)
    for day in range(3):
        append(lake, OUTCOMES, day)
        append(lake, PREDICTIONS, day)
    return lake


def change(lake: Lake, table: Table, changed: Change) -> None:
    """Replace a table by other rows, as any tool can."""
    path = str(lake.table_path(table.name))
    rows = changed(pl.read_delta(path).sort(table.time))
    rows.write_delta(path, mode="overwrite", delta_write_options={"schema_mode": "overwrite"})


def problems(lake: Lake) -> list[LogProblem]:
    return check_log(Lake(lake.path)).problems


def test_a_log_as_it_was_written_has_no_problem(lake):
    report = check_log(lake)
    assert (report.rows, report.problems) == (240, [])
    report = check_log_between(lake, DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert (report.rows, report.problems) == (80, [])


def test_a_lake_without_digests_has_nothing_to_check(tmp_path):
    lake = Lake(tmp_path)
    assert check_log(lake).problems == []
    PREDICTIONS.append(lake, make_rows(0, time="at"))
    assert check_log(lake) == check_log_between(lake, DAY, DAY + timedelta(days=1))


def test_missing_rows_are_counted_with_their_hours_and_their_range(lake):
    change(lake, PREDICTIONS, lambda rows: rows.filter(~pl.col("id").is_in(["1-5", "1-6", "1-12"])))
    assert problems(lake) == [
        LogProblem(
            "predictions",
            "rows missing: 3",
            rows=3,
            since=DAY + timedelta(days=1, hours=1),
            until=DAY + timedelta(days=1, hours=4),
            ranges="journal 100-200",
        )
    ]


def test_doubled_rows_and_rows_that_were_not_logged(lake):
    change(lake, OUTCOMES, lambda rows: pl.concat([rows, rows.head(5)]))
    (problem,) = problems(lake)
    assert (problem.table, problem.what, problem.rows) == ("outcomes", "rows doubled: 5", 5)
    change(lake, OUTCOMES, lambda rows: rows.unique().vstack(rows.head(1).with_columns(id=pl.lit("new"))))
    (problem,) = problems(lake)
    assert problem.what == "rows that were not logged: 1"


@pytest.mark.parametrize(("column", "value"), [("version", 2), ("output", 0.123), ("shop", "b"), ("shop", None)])
def test_one_changed_value_is_named_by_its_column_and_hour(lake, column, value):
    here = pl.col("id") == "2-9"
    change(
        lake,
        PREDICTIONS,
        lambda rows: rows.with_columns(pl.when(here).then(pl.lit(value)).otherwise(column).alias(column)),
    )
    (problem,) = problems(lake)
    assert (problem.column, problem.rows) == (column, 0)
    assert (problem.since, problem.until) == (DAY + timedelta(days=2, hours=2), DAY + timedelta(days=2, hours=3))
    assert problem.what == f'values of "{column}" were changed, in some of these rows: 4'


def test_a_row_that_took_the_place_of_another_is_one_problem(lake):
    here = pl.col("id") == "2-9"
    change(lake, PREDICTIONS, lambda rows: rows.with_columns(id=pl.when(here).then(pl.lit("x")).otherwise("id")))
    (problem,) = problems(lake)
    assert problem.column == "id"


def test_a_row_that_moved_to_another_hour_is_missing_here_and_new_there(lake):
    here, later = pl.col("id") == "0-0", pl.col("at") + timedelta(hours=5)
    change(lake, PREDICTIONS, lambda rows: rows.with_columns(at=pl.when(here).then(later).otherwise("at")))
    assert [problem.what for problem in problems(lake)] == ["rows missing: 1", "rows that were not logged: 1"]


@pytest.mark.parametrize("column", ["id", "at", "output"])
def test_a_column_that_is_gone_is_named(lake, column):
    change(lake, PREDICTIONS, lambda rows: rows.drop(column))
    assert problems(lake) == [LogProblem("predictions", f'the column "{column}" is gone', column=column)]
    report = check_log_between(Lake(lake.path), DAY, DAY + timedelta(days=1))
    assert f'the column "{column}" is gone' in [problem.what for problem in report.problems]


def test_new_columns_wider_types_and_another_order_are_no_problem(lake):
    change(
        lake,
        PREDICTIONS,
        lambda rows: rows.with_columns(pl.col("version").cast(pl.String), new=pl.lit(None, pl.Float64)).reverse(),
    )
    assert problems(lake) == []


def test_a_file_that_is_gone_is_named_with_the_rows_that_it_held(lake):
    rows = {file.name: pl.read_parquet(file) for file in lake.table_path("predictions").glob("*.parquet")}
    name = next(name for name, frame in rows.items() if frame["id"][0].startswith("1-"))
    (lake.table_path("predictions") / name).unlink()
    damage, missing = problems(lake)
    assert (damage.table, damage.file, damage.what) == ("predictions", name, "the file cannot be read: it is gone")
    assert (missing.what, missing.since) == ("rows missing: 40", DAY + timedelta(days=1))
    other_day = check_log_between(Lake(lake.path), DAY, DAY + timedelta(days=1)).problems
    assert [problem.file for problem in other_day] == [name], "a day whose own rows are there"
    same_day = check_log_between(Lake(lake.path), DAY + timedelta(days=1), DAY + timedelta(days=2)).problems
    assert [problem.what for problem in same_day] == [damage.what, missing.what]


def test_a_file_with_other_bytes_is_named_when_its_day_is_checked(lake):
    for file in lake.table_path("outcomes").glob("*.parquet"):
        file.write_bytes(b"\0" * file.stat().st_size)
    report = check_log_between(Lake(lake.path), DAY, DAY + timedelta(days=1))
    assert len({problem.file for problem in report.problems if problem.file}) == 3
    assert report.problems[-1].what == "rows missing: 40"


def test_a_table_that_is_gone_is_one_problem(lake):
    lake.table_path("outcomes").rename(lake.path / "elsewhere")
    (problem,) = [item for item in problems(lake) if item.table == "outcomes"]
    assert (problem.what, problem.rows) == ("the table is gone", 120)


def test_digests_that_cannot_be_read_are_named(lake):
    for file in lake.table_path("log_digests").glob("*.parquet"):
        file.unlink()
    found = problems(lake)
    assert {problem.table for problem in found if problem.file} == {"log_digests"}
    assert [problem.table for problem in found if problem.what.startswith("it cannot be checked")] == [
        "predictions",
        "outcomes",
    ]


def test_rows_missing_on_other_days_are_counted_when_a_day_is_checked(lake):
    change(lake, PREDICTIONS, lambda rows: rows.tail(-3))
    (problem,) = check_log_between(Lake(lake.path), DAY + timedelta(days=1), DAY + timedelta(days=2)).problems
    assert (problem.what, problem.rows) == ("rows missing, on other days than this: 3", 3)


def test_a_day_that_begins_within_an_hour_is_checked_in_whole_hours(lake):
    half = timedelta(minutes=30)
    assert check_log_between(lake, DAY + half, DAY + timedelta(hours=5) + half).rows == 2 * 24


def test_columns_that_views_look_up_are_named_where_they_are_gone(tmp_path):
    lake = Lake(tmp_path)
    lake.append("stock", pl.DataFrame({"shop": ["a"], "known_at": [DAY]}))
    views = [View(name, "stock", by="shop", values={name: last("items")}) for name in ("one", "two")]
    assert missing_fact_columns(lake, views) == [], "it was declared, and nothing was stored yet"
    lake.append("stock", pl.DataFrame({"shop": ["a"], "known_at": [DAY], "items": [1.0]}))
    assert missing_fact_columns(lake, views) == []
    path = str(lake.table_path("stock"))
    rows = pl.read_delta(path).drop("items")
    rows.write_delta(path, mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    (problem,) = missing_fact_columns(lake, views)
    assert (problem.table, problem.column) == ("stock", "items")
    assert problem.what == 'the column "items" is gone; looked up by one, two'
    (problem,) = missing_fact_columns(lake, [View("other", "elsewhere", by="shop", values={"x": last("items")})])
    assert (problem.table, problem.what) == ("elsewhere", "the table is gone")
