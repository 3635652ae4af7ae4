"""What data need not say: made up for it, always alike, where it has no ids, no moments, or no moments of knowing."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from mlops_lab.contracts.parse import parse_moments
from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.project import KNOWN_AT, ROW_ID, FieldSection, Project

_MOMENT = pl.Datetime("us", "UTC")
_MICROSECOND = timedelta(microseconds=1)
_SEED = 0


def complete_source(project: Project, frame: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """The rows of the source's data with the columns they lack.

    Ids are places in the file, from 1. Moments of requests are microseconds just before `now`: in the order of the
    file, or in one drawn at random (the same for as many rows). An outcome was known at the moment of its request.
    """
    source = project.settings.source
    if source.id == ROW_ID and ROW_ID not in frame.columns:
        frame = frame.with_columns(pl.int_range(1, pl.len() + 1).cast(pl.String).alias(ROW_ID))
    if project.timed_by_arrival and source.time not in frame.columns:
        frame = frame.with_columns(_arrivals(frame.height, now, shuffled=source.order == "shuffled").alias(source.time))
    if source.known_at == KNOWN_AT and KNOWN_AT not in frame.columns and source.time in frame.columns:
        asked_at = frame[source.time]
        frame = frame.with_columns(_read_moments(project, asked_at).alias(KNOWN_AT))
    return frame


def _read_moments(project: Project, asked_at: pl.Series) -> pl.Series:
    """The moments of requests, where they are written in a format of their own: none is declared for `known_at`."""
    declared = project.settings.source.request.get(asked_at.name)
    written = declared.format if isinstance(declared, FieldSection) else None
    found = parse_moments(asked_at, written) if written else None
    return asked_at if found is None else found


def check_appended(project: Project, lake: Lake, frame: pl.DataFrame) -> None:
    """InvalidInput where rows that have no id but their place are not those loaded from there before."""
    source = project.settings.source
    if source.id != ROW_ID or not lake.exists(source.table):
        return
    made = {ROW_ID, source.known_at, *([source.time] if project.timed_by_arrival else [])}
    said = [name for name in frame.columns if name not in made]
    before = lake.read(source.table).select(ROW_ID, *said)
    now = frame.select(ROW_ID, *said).join(before.select(ROW_ID), on=ROW_ID, how="semi", maintain_order="left")
    before = before.join(now.select(ROW_ID), on=ROW_ID, how="semi")
    if not now.equals(now.select(ROW_ID).join(before, on=ROW_ID, how="left", maintain_order="left")):
        raise InvalidInput(
            "its first rows are not those that were loaded before, and there is no other id than their place",
            code="data_changed",
            where=f'table "{source.table}", {source.data}',
            hint="only append to it; or give each row an id, and name its column: id = ... in [source] of mlops.toml",
        )


def _arrivals(rows: int, now: datetime, *, shuffled: bool) -> pl.Series:
    places = np.random.default_rng(_SEED).permutation(rows) if shuffled else np.arange(rows)
    first = now - rows * _MICROSECOND
    return pl.select(pl.lit(first, _MOMENT) + pl.Series(places).cast(pl.Duration("us"))).to_series()
