"""The log of predictions in stretches of time, so that all of it need not be in memory at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.lake.nulls import read_nulls
from mlops_lab.tables.declared import PREDICTIONS


def read_stretches(lake: Lake, *, rows: int, cuts: Sequence[datetime] = ()) -> Iterator[pl.DataFrame]:
    """All logged predictions in the order of their times, then of their ids; those without a time come first.

    A stretch has about as many `rows`, or more where more were answered at one moment. It never spans one of the
    `cuts`.
    """
    yield read_nulls(lake, PREDICTIONS.name, PREDICTIONS.time)
    moments = PREDICTIONS.read(lake, columns=[PREDICTIONS.time])[PREDICTIONS.time].drop_nulls().sort()
    begins = {*moments.gather_every(rows), *(cut for cut in cuts if len(moments) and moments[0] < cut <= moments[-1])}
    del moments
    for since, before in pairwise([*sorted(begins), None] if begins else []):
        stretch = PREDICTIONS.read(lake, since=since, before=before)
        yield stretch.filter(pl.col(PREDICTIONS.time).is_not_null()).sort(PREDICTIONS.time, "id")


def read_versions(lake: Lake) -> list[int | None]:
    """The versions that are named in the log."""
    return PREDICTIONS.read(lake, columns=["version"])["version"].unique().to_list()
