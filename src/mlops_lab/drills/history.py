"""The past of a project that drills play again: its rows as they became known, and the days that are played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from mlops_lab.clock import day_start
from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.limits import MIN_ANSWERS
from mlops_lab.project import Project
from mlops_lab.tables.fields import request_fields, source_fields, table_fields
from mlops_lab.training.outcome_delay import read_training_facts

LIVE_DAYS, PLAY_DAYS = MIN_DAYS + 1, 10
"""The days that are lived before a fault, so that monitors know what is usual, and those that are played with it."""

Facts = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class History:
    """What is known of the past: `known` as a training reads it, `facts` as it was sent, and the days to play: the
    fault begins with `fault_day`, after days that are lived from `first` on; `last` is the last one."""

    known: Facts
    facts: Facts
    first: date
    fault_day: date
    last: date


def read_history(project: Project, lake: Lake, *, needs_days: bool) -> History:
    """The past of the project. InvalidInput where it is too short, or has too few requests a day."""
    source = project.settings.source
    if project.timed_by_arrival:
        raise _too_little("its data does not say when requests were made", "name the column: time = ... in [source]")
    if not lake.exists(source.table):
        raise _too_little("no data is loaded yet", "load it and train: `mlops run`")
    known = read_training_facts(project, lake)
    known[source.table] = _with_later_outcomes(project, known[source.table])
    local = known[source.table][source.time].dt.convert_time_zone(project.timezone).dt.date()
    days = local.value_counts(name="requests").sort(local.name)
    newest = days[local.name].max()
    lived = LIVE_DAYS if needs_days else 0
    needed = _days_to_learn(project) + lived + PLAY_DAYS
    if not isinstance(newest, date) or days.height < needed:
        raise _too_little(
            f"{days.height} days have requests with a known outcome, and this drill needs {needed}",
            "run it when there is more history, or try one of the drills that need no days: `mlops drill list`",
        )
    usual = days["requests"].tail(needed).median()
    if lived and isinstance(usual, float) and usual < MIN_ANSWERS:
        raise _too_little(
            f"a day has {usual:g} requests, and monitors judge days with {MIN_ANSWERS}",
            "try one of the drills that need no days: `mlops drill list`",
        )
    fault_day = newest - timedelta(days=PLAY_DAYS - 1)
    return History(known, _as_sent(project, known), fault_day - timedelta(days=lived), fault_day, newest)


def _days_to_learn(project: Project) -> int:
    """The fewest days that a first version is trained and tested on."""
    held_out = project.settings.backtest
    return 2 * held_out.days if held_out.share is None else held_out.min_days


def _too_little(what: str, hint: str) -> InvalidInput:
    return InvalidInput(f"too little history for a drill: {what}", code="too_little_history", hint=hint)


def _with_later_outcomes(project: Project, rows: pl.DataFrame) -> pl.DataFrame:
    """The labelled rows, their outcomes known at least a minute after their requests: a client cannot send an outcome
    before it has the answer. Where the data does not say when outcomes were known, it is an hour."""
    source = project.settings.source
    rows = rows.filter(pl.col(source.label).is_not_null())
    is_told = (rows[source.known_at] > rows[source.time]).any()
    soonest = pl.col(source.time) + (timedelta(minutes=1) if is_told else timedelta(hours=1))
    names = (source.known_at, "_known_at", "_seen_at")
    return rows.with_columns(pl.max_horizontal(name, soonest).alias(name) for name in names)


def _as_sent(project: Project, known: Facts) -> dict[str, pl.DataFrame]:
    """The rows of each table with the columns that it declares; those of the source by the time of the request."""
    source = project.settings.source
    columns = [field.name for field in source_fields(project) if field.name != source.id]
    facts = {source.table: known[source.table].select(pl.col("_fact_id").alias(source.id), *columns)}
    for name, section in project.settings.tables.items():
        rows = known[name].select(field.name for field in table_fields(project)[name])
        facts[name] = rows.sort(section.known_at, *section.key) if section.known_at else rows
    return facts


def known_before(project: Project, facts: Facts, day: date) -> dict[str, pl.DataFrame]:
    """The rows of each table that were known when the day began."""
    settings, start = project.settings, day_start(day, project.timezone)
    known_at = {name: table.known_at for name, table in settings.tables.items()}
    known_at[settings.source.table] = settings.source.known_at
    return {
        name: rows if (column := known_at[name]) is None else rows.filter(pl.col(column) < start)
        for name, rows in facts.items()
    }


def number_columns(project: Project) -> list[str]:
    """The request fields that are numbers."""
    return [field.name for field in request_fields(project) if field.kind in {"integer", "float"}]


def change_between(
    project: Project, facts: Facts, changed: pl.DataFrame, since: datetime, until: datetime, *, table: str | None = None
) -> dict[str, pl.DataFrame]:
    """The facts, where the rows of a table (None: the source) from `since` on and before `until` are those of
    `changed`, which has the same rows in the same order."""
    source = project.settings.source
    name = table or source.table
    time = source.time if name == source.table else project.settings.tables[name].known_at
    assert time is not None
    is_now = facts[name][time].is_between(since, until, closed="left")
    return {
        **facts,
        name: pl.select(
            pl.when(is_now).then(changed.to_struct()).otherwise(facts[name].to_struct()).alias("row")
        ).unnest("row"),
    }
