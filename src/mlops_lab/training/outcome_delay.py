"""When the outcomes of loaded rows became known, where the data does not say: an assumed delay after the request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from mlops_lab.clock import parse_duration
from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake
from mlops_lab.project import KNOWN_AT, Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import read_facts
from mlops_lab.tables.verdict import Verdict

MIN_OUTCOMES = 50
"""Fewer outcomes say too little about how late outcomes are."""
_NO_DELAY = timedelta()


class MeasuredDelay(NamedTuple):
    """The median time from a request until its outcome became known, and the number of outcomes."""

    median: timedelta
    outcomes: int


def read_training_facts(project: Project, lake: Lake, *, until: datetime | None = None) -> dict[str, pl.DataFrame]:
    """The facts as `read_facts` returns them, the outcomes of loaded rows known as late as they are assumed to be.

    The delay is `outcome_delay` of `[source]`, else that of the outcomes that arrived before `until`. Nothing changes
    where the data says when its outcomes became known, or where its rows have no time of their own.
    """
    facts, table = read_facts(project, lake, until=until), project.settings.source.table
    return {**facts, table: delay_made_up(project, facts[table], assumed_delay(project, lake, until=until))}


def lacks_known_at(project: Project, lake: Lake) -> bool:
    """Whether the loaded data does not say when outcomes became known: they count as known when they were requested."""
    source = project.settings.source
    if source.known_at != KNOWN_AT or not lake.exists(source.table):
        return False
    parts = lake.read_added(source.table, columns=[source.time, source.known_at]).parts
    return all((rows[source.time] == rows[source.known_at]).all() for rows in parts)


def measure_delay(lake: Lake, *, until: datetime | None = None) -> MeasuredDelay | None:
    """How late the outcomes of answered requests became known, of those that arrived before `until`; None where they
    are too few. Where a client does not say when, that is their arrival."""
    if not OUTCOMES.exists(lake):
        return None
    rows = OUTCOMES.read(lake, columns=["verdict", "predicted_at", "known_at", "received_at"])
    arrived = pl.max_horizontal("known_at", "received_at")
    rows = rows.filter(pl.col("verdict") == Verdict.ACCEPTED)
    rows = rows.filter(arrived < until) if until else rows
    median = rows.select((pl.col("known_at") - pl.col("predicted_at")).median()).item()
    return MeasuredDelay(median, rows.height) if rows.height >= MIN_OUTCOMES else None


def explain_delay(project: Project, lake: Lake, features: Features) -> str | None:
    """What is assumed about the outcomes that views look at, and what to declare; None where nothing is assumed."""
    source = project.settings.source
    views = [view.name for view in features.views if view.table == source.table]
    if not views or source.outcome_delay is not None or not lacks_known_at(project, lake):
        return None
    measured = None if project.timed_by_arrival else measure_delay(lake)
    if measured is None:
        effect = "in training they count as known at once, which no server can know: the backtest is too good"
    else:
        delay = timedelta(seconds=round(measured.median.total_seconds()))
        effect = f"in training they count as known {delay} after the request, the median of {measured.outcomes:,}"
    return (
        f"the data does not say when outcomes became known, and {', '.join(views)} look at earlier outcomes: {effect}. "
        'Name the column with that time, known_at = "...", or declare outcome_delay = "3h", in [source] of mlops.toml'
    )


def assumed_delay(project: Project, lake: Lake, *, until: datetime | None = None) -> timedelta | None:
    """How long after their request the outcomes of loaded rows are assumed to have become known; None where the data
    says it."""
    if project.timed_by_arrival or not lacks_known_at(project, lake):
        return None
    declared = project.settings.source.outcome_delay
    if declared is not None:
        return parse_duration(declared)
    measured = measure_delay(lake, until=until)
    return measured.median if measured else _NO_DELAY


def delay_made_up(project: Project, labelled: pl.DataFrame, delay: timedelta | None) -> pl.DataFrame:
    """The labelled rows, those with a made-up moment of knowing known `delay` after their request (None: none are)."""
    if delay is None:
        return labelled
    source = project.settings.source
    is_made_up = pl.col("_known_at") == pl.col(source.time)
    later = pl.col("_known_at") + delay
    return labelled.with_columns(
        pl.when(is_made_up).then(later).otherwise(pl.col("_known_at")).alias("_known_at"),
        pl.when(is_made_up).then(pl.col("_seen_at") + delay).otherwise(pl.col("_seen_at")).alias("_seen_at"),
        pl.when(is_made_up).then(later).otherwise(pl.col(source.known_at)).alias(source.known_at),
    )
