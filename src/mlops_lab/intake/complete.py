"""Ids and moments for data that lacks them: made up, and the same ones each time the data is read."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from mlops_lab.contracts.moments import parse_moments
from mlops_lab.errors import InvalidInput
from mlops_lab.project import KNOWN_AT, ROW_ID, FieldSection, Project

_MOMENT = pl.Datetime("us", "UTC")
_MICROSECOND = timedelta(microseconds=1)
_SEED = 0


def complete_source(project: Project, frame: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """The rows of the source's data with the columns they lack.

    Ids are positions in the file, from 1. The requests get the last microseconds before `now` as their moments, in the
    order of the file or in a random order (always the same one for the same number of rows). An outcome counts as known
    at the moment of its request.
    """
    return Completion(project, rows=frame.height, now=now).complete(frame)


class Completion:
    """Completes the source's data, of so many rows, part by part."""

    def __init__(self, project: Project, *, rows: int, now: datetime) -> None:
        self._project, self._rows, self._now = project, rows, now

    def complete(self, frame: pl.DataFrame, *, first: int = 0) -> pl.DataFrame:
        """Some rows, of which the first has this number, with the columns they lack."""
        source = self._project.settings.source
        if source.id == ROW_ID and ROW_ID not in frame.columns:
            frame = frame.with_columns(pl.int_range(first + 1, first + pl.len() + 1).cast(pl.String).alias(ROW_ID))
        if self._project.timed_by_arrival and source.time not in frame.columns:
            frame = frame.with_columns(self._arrivals[first : first + frame.height].alias(source.time))
        if source.known_at == KNOWN_AT and KNOWN_AT not in frame.columns and source.time in frame.columns:
            moments = _parse_request_moments(self._project, frame[source.time])
            frame = frame.with_columns(moments.alias(KNOWN_AT))
        return frame

    @cached_property
    def _arrivals(self) -> pl.Series:
        """The last microseconds before now, one for each row."""
        is_shuffled = self._project.settings.source.order == "shuffled"
        steps = np.random.default_rng(_SEED).permutation(self._rows) if is_shuffled else np.arange(self._rows)
        first = self._now - self._rows * _MICROSECOND
        return pl.select(pl.lit(first, _MOMENT) + pl.Series(steps).cast(pl.Duration("us"))).to_series()


def _parse_request_moments(project: Project, moments: pl.Series) -> pl.Series:
    """The moments of requests, parsed where their field declares a format: the made-up `known_at` declares none."""
    declared = project.settings.source.request.get(moments.name)
    text_format = declared.format if isinstance(declared, FieldSection) else None
    parsed = parse_moments(moments, text_format) if text_format else None
    return moments if parsed is None else parsed


def not_appended_error(project: Project) -> InvalidInput:
    """The error where ids are positions in the file, and its first rows are not all those that were loaded before."""
    source = project.settings.source
    return InvalidInput(
        "its first rows are not all those that were loaded before, and without an id a row is known by its position",
        code="data_changed",
        where=f'table "{source.table}", {source.data}',
        hint="only append to it; or give each row an id, and name its column: id = ... in [source] of mlops.toml",
    )
