"""A sample of the training rows, always the same, where `[training] max_rows` allows no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlops_lab.features.exact import Integers
from mlops_lab.notes import tell

Hashes = NDArray[np.uint64]


class RowSample(NamedTuple):
    """Which rows are kept, and of how many training rows they are a sample."""

    kept: pl.Series
    rows: int


def sample_rows(
    moments: pl.Series,
    hashes_of: Callable[[Integers], Hashes],
    *,
    since: datetime | None,
    before: datetime,
    max_rows: int | None,
) -> RowSample | None:
    """A sample of `max_rows` of the rows from `since` to `before`, and all rows from `before` on, which are held out;
    None where there are no more rows than that.

    A row is chosen by the hash of its id: a row that was in the sample is in it again, unless new rows take its place.
    `moments` are those of the rows, in their order; `hashes_of` gives the hashes of the ids of rows at some places.
    """
    candidates = moments < before if since is None else (moments < before) & (moments >= since)
    rows = int(candidates.sum())
    if max_rows is None or rows <= max_rows:
        return None
    places = candidates.arg_true().to_numpy()
    kept = (moments >= before).to_numpy().copy()
    kept[places[np.argsort(hashes_of(places), kind="stable")[:max_rows]]] = True
    tell(f"learns from a sample of {max_rows:,} of {rows:,} rows: [training] max_rows")
    return RowSample(pl.Series(kept), rows)


def hash_ids(ids: pl.Series) -> Hashes:
    """The hash of each id."""
    return np.fromiter(map(_hash, ids), dtype=np.uint64, count=len(ids))


def _hash(identity: str) -> int:
    """The same number for the same id on every machine, with every version of every library."""
    return int.from_bytes(blake2b(str(identity).encode(), digest_size=8).digest(), "little")
