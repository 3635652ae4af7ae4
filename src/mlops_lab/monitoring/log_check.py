"""The log against its digests: rows that are missing, doubled or changed, columns that are gone, damaged files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.view import View
from mlops_lab.lake import Lake
from mlops_lab.lake.damage import DamagedFile, check_files, past_columns, read_by_file, read_readable
from mlops_lab.monitoring.digest_totals import DigestTotals, digest_totals
from mlops_lab.schemas.digest import DIGEST_SCHEMA, add_digests, digest_rows
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import Table

_HOUR = timedelta(hours=1)
_CHECKED = (PREDICTIONS, OUTCOMES)


@dataclass(frozen=True)
class LogProblem:
    """One thing that is wrong with a table, in words, and the number of rows that are missing or too many.

    `column` or `file`: what it is about. `since`, `until`: the hours of the rows. `ranges`: the ranges of the journal
    that the rows of these hours came from.
    """

    table: str
    what: str
    column: str | None = None
    file: str | None = None
    rows: int = 0
    since: datetime | None = None
    until: datetime | None = None
    ranges: str | None = None


@dataclass
class LogReport:
    """How many rows of `predictions` and `outcomes` have digests, and what is wrong."""

    rows: int = 0
    problems: list[LogProblem] = field(default_factory=list)


@dataclass(frozen=True)
class _State:
    """A table as it was at one moment: its version, the digests of what had been added to it by then (all, or those of
    some hours), and their totals over all hours."""

    version: int | None
    digests: pl.DataFrame
    totals: DigestTotals


def check_log(lake: Lake) -> LogReport:
    """The report on all that was ever logged: every row is read and every file is opened."""
    report = LogReport()
    for name in lake.tables():
        damaged: list[DamagedFile] = []
        for _ in read_by_file(lake, name, damaged):
            pass
        report.problems += damaged_files(damaged)
    for table in _CHECKED:
        state = _state(lake, table, report)
        if state is not None:
            report.rows += _count_rows(state.digests)
            _compare(lake, table, state, report)
    return report


def check_log_between(lake: Lake, since: datetime, until: datetime) -> LogReport:
    """The report on the hours from `since` to `until`; of all the rest, numbers of rows and sizes of files only."""
    since, until = _begin_of_hour(since), _begin_of_hour(until + _HOUR - timedelta(microseconds=1))
    report = LogReport()
    for name in lake.tables():
        report.problems += damaged_files(check_files(lake, name))
    for table in _CHECKED:
        state = _state(lake, table, report, hours=(since, until))
        if state is None:
            continue
        report.rows += _count_rows(state.digests)
        before = len(report.problems)
        _compare(lake, table, state, report, hours=(since, until))
        if len(report.problems) == before:
            _compare_counts(lake, table, state, report)
    return report


def missing_fact_columns(lake: Lake, views: Sequence[View]) -> list[LogProblem]:
    """The columns that views look up and that their tables had once, but have no more."""
    gone: dict[tuple[str, str], list[str]] = {}
    problems = []
    for view in views:
        try:
            columns = lake.schema(view.table)
        except EnvironmentFault:  # its log is damaged: the check of files names it
            continue
        if not columns:
            problems.append(LogProblem(view.table, "the table is gone"))
            continue
        missing = {*view.columns, *view.keys.values()} - {*columns}
        if missing:  # or declared, and never stored yet
            missing &= past_columns(lake, view.table)
        for name in missing:
            gone.setdefault((view.table, name), []).append(view.name)
    return list(dict.fromkeys(problems)) + [
        LogProblem(table, f'the column "{name}" is gone; looked up by {", ".join(names)}', column=name)
        for (table, name), names in sorted(gone.items())
    ]


def damaged_files(damaged: Iterable[DamagedFile]) -> list[LogProblem]:
    """The problems that files cannot be read."""
    return [
        LogProblem(item.table, f"the file cannot be read: {item.reason}", file=item.file or "_delta_log")
        for item in damaged
    ]


def _state(
    lake: Lake, table: Table, report: LogReport, *, hours: tuple[datetime, datetime] | None = None
) -> _State | None:
    """The table and its digests as of one moment; None where there are none, or none that can be read.

    Digests are written before rows. A range that its table has not reached, because an intake is at work or was killed,
    is left out. `predictions` is written last: what it has reached is in the other tables, too.
    """
    if not LOG_DIGESTS.exists(lake):
        return None
    try:
        last = lake.version(PREDICTIONS.name) if PREDICTIONS.exists(lake) else None
        version = lake.version(table.name) if table.exists(lake) else None

        def reached(writer: str) -> int:
            return max(_position(lake, PREDICTIONS, writer, last), _position(lake, table, writer, version))

        since, before = hours or (None, None)
        digests = LOG_DIGESTS.read(lake, since=since, before=before).filter(pl.col("table") == table.name)
        ends = {writer: reached(writer) for writer in digests["writer"].unique()}
        totals = digest_totals(lake, table, reached=reached)
    except EnvironmentFault as error:
        report.problems.append(LogProblem(table.name, f"it cannot be checked: {error}"))
        return None
    end = pl.col("writer").replace_strict(ends, return_dtype=pl.Int64) if ends else pl.lit(0)
    return _State(version, digests.filter(pl.col("last") <= end), totals)


def _begin_of_hour(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment - timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


def _position(lake: Lake, table: Table, writer: str, version: int | None) -> int:
    return 0 if version is None else lake.position(table.name, writer, version=version)


def _compare(
    lake: Lake, table: Table, state: _State, report: LogReport, *, hours: tuple[datetime, datetime] | None = None
) -> None:
    """Compare the rows of a table with their digests: all of them, or those of some hours."""
    digests = state.digests
    if state.version is None:
        if digests.height:
            report.problems.append(LogProblem(table.name, "the table is gone", rows=_count_rows(digests)))
        return
    columns = lake.schema(table.name)
    gone = sorted(state.totals.columns - columns.keys())
    report.problems += [LogProblem(table.name, f'the column "{name}" is gone', column=name) for name in gone]
    if {"id", table.time} & {*gone}:
        return
    read = partial(_read, lake, table, state.version, report=report, hours=hours)
    parts = [digest_rows(rows, id_column="id", time_column=table.time) for rows in read()]
    found = add_digests(pl.concat([pl.DataFrame(schema=DIGEST_SCHEMA), *parts]))
    expected = add_digests(digests.select(list(DIGEST_SCHEMA)))
    report.problems += _differences(table, expected.filter(~pl.col("column").is_in(gone)), found, read, digests)


def _read(
    lake: Lake, table: Table, version: int, *, report: LogReport, hours: tuple[datetime, datetime] | None
) -> Iterator[pl.DataFrame]:
    """The rows of a table in parts: all of them, file by file, or those of some hours."""
    if hours is None:
        yield from read_by_file(lake, table.name, [], version=version)
        return
    try:
        rows = lake.read(
            table.name, version=version, since=(table.time, hours[0]), before=(table.time, hours[1]), as_stored=True
        )
    except EnvironmentFault:
        rows, damaged = read_readable(lake, table.name)
        report.problems += [item for item in damaged_files(damaged) if item not in report.problems]
    yield rows.filter(_is_between(*hours, column=table.time))


def _differences(
    table: Table,
    expected: pl.DataFrame,
    found: pl.DataFrame,
    read: Callable[[], Iterator[pl.DataFrame]],
    ranges: pl.DataFrame,
) -> Iterable[LogProblem]:
    """What differs between two sets of digests: rows, and columns in hours with the right number of rows."""
    both = expected.join(found, on=["hour", "column"], how="full", coalesce=True, suffix="_found").fill_null(0)
    counts = both.filter(pl.col("column") == "id").select("hour", more=pl.col("values_found") - pl.col("values"))
    for few in (True, False):
        hours = counts.filter(pl.col("more") < 0 if few else pl.col("more") > 0)
        if hours.height:
            number = abs(int(hours["more"].sum()))
            what = (
                "missing" if few else "doubled" if _doubled(table, read(), hours) >= number else "that were not logged"
            )
            yield _problem(table, f"rows {what}: {number:,}", hours, ranges, rows=number)
    unequal = both.filter((pl.col("values") != pl.col("values_found")) | (pl.col("digest") != pl.col("digest_found")))
    changed = unequal.join(counts.filter(pl.col("more") == 0), on="hour", how="semi")
    replaced = changed.filter(pl.col("column") == "id")  # there, every column differs
    changed = pl.concat([replaced, changed.join(replaced, on="hour", how="anti")])
    for (column,), hours in changed.group_by("column", maintain_order=True):
        number = int(both.join(hours, on="hour", how="semi").filter(pl.col("column") == "id")["values"].sum())
        what = f'values of "{column}" were changed, in some of these rows: {number:,}'
        yield _problem(table, what, hours, ranges, column=str(column))


def _doubled(table: Table, parts: Iterable[pl.DataFrame], hours: pl.DataFrame) -> int:
    """How many rows of these hours are the same as another one."""
    is_there = pl.col(table.time).dt.truncate("1h").is_in(hours["hour"].implode())
    hashes = pl.concat([pl.Series(dtype=pl.UInt64), *(rows.filter(is_there).hash_rows() for rows in parts)])
    return len(hashes) - hashes.n_unique()


def _problem(table: Table, what: str, hours: pl.DataFrame, ranges: pl.DataFrame, **more: Any) -> LogProblem:
    first, last = hours["hour"].min(), hours["hour"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    added = ranges.join(hours, on="hour", how="semi").group_by("writer", maintain_order=True)
    spans = added.agg(pl.col("first").min(), pl.col("last").max()).sort("writer").iter_rows()
    names = ", ".join(f"{writer} {start}-{end}" for writer, start, end in spans)
    return LogProblem(table.name, what, since=first, until=last + _HOUR, ranges=names or None, **more)


def _compare_counts(lake: Lake, table: Table, state: _State, report: LogReport) -> None:
    """Compare the number of all rows, as the log of the table tells it, with the digests."""
    if state.version is None or lake.version(table.name) != state.version:  # rows are being added
        return
    more = sum(file.rows for file in lake.files(table.name).values()) - state.totals.rows
    if more:
        what = f"rows {'that were not logged' if more > 0 else 'missing'}, on other days than this: {abs(more):,}"
        report.problems.append(LogProblem(table.name, what, rows=abs(more)))


def _count_rows(digests: pl.DataFrame) -> int:
    return int(digests.filter(pl.col("column") == "id")["values"].sum())


def _is_between(since: datetime, until: datetime, *, column: str = "hour") -> pl.Expr:
    return (pl.col(column) >= since) & (pl.col(column) < until)
