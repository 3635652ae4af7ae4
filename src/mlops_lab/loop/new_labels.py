"""How many labels have arrived in some time: outcomes of answered requests, and labelled rows of the source table."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import arrival
from mlops_lab.project import Project
from mlops_lab.tables.arrival import LATER
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.verdict import Verdict


def count_new_labels(project: Project, lake: Lake, since: datetime, *, before: datetime) -> int:
    """How many labels arrived at or after `since` and before `before`. A correction is no new label; an answered
    request whose label also comes with a file counts twice."""
    return _outcomes(project, lake, since, before) + _loaded(project, lake, since, before)


def _outcomes(project: Project, lake: Lake, since: datetime, before: datetime) -> int:
    if not OUTCOMES.exists(lake):
        return 0
    known_since = since - timedelta(days=project.settings.source.outcome_within_days)
    rows = OUTCOMES.read(lake, since=known_since, before=before, columns=["verdict", "known_at", "received_at"])
    return _count(rows.filter(pl.col("verdict") == Verdict.ACCEPTED), arrival(), since, before)


def _loaded(project: Project, lake: Lake, since: datetime, before: datetime) -> int:
    source = project.settings.source
    if not lake.exists(source.table):
        return 0
    stored = lake.schema(source.table)
    rows = lake.read(
        source.table, columns=[name for name in (source.known_at, "received_at", "received_as") if name in stored]
    )
    if "received_as" in rows.columns:
        rows = rows.filter(~pl.col("received_as").is_in([*LATER]).fill_null(value=False))
    received = [name for name in ("received_at",) if name in rows.columns]
    rows = rows.filter(pl.col(source.known_at).is_not_null())
    return _count(rows, pl.max_horizontal(source.known_at, *received), since, before)


def _count(rows: pl.DataFrame, arrived: pl.Expr, since: datetime, before: datetime) -> int:
    return int(rows.select(((arrived >= since) & (arrived < before)).sum()).item() or 0)
