"""Versions of a row: a corrected row is a new fact, which counts instead of the one before from when it was received;
of a row that is gone, none counts any more.

Nothing is rewritten. What was known at a moment is found again: as of then the old version counts, as of now the new. A
server sees one after the other (`with_retractions`); a training as of a moment takes what is known by then about the
past (`latest_versions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

CORRECTED_AT = "_corrected_at"
"""In facts: when a later version of a row was received; null in the first one. Only where there are later versions."""

GONE = "_gone"
"""In facts: whether the version only says that the row is gone. Only where there are later versions."""


def with_retractions(facts: pl.DataFrame, identity: Sequence[str]) -> pl.DataFrame:
    """The facts, each earlier version followed by its retraction: the same row, seen when the next version was seen,
    with the weight -1. A version that the next one replaces at once is left out.

    `identity`: the columns that the versions of a row have in common.
    """
    if CORRECTED_AT not in facts.columns:
        return facts
    ordered = facts.sort(CORRECTED_AT, nulls_last=False, maintain_order=True)
    has_next = pl.int_range(pl.len()).over(identity) < pl.len().over(identity) - 1
    following = pl.col("_seen_at").shift(-1).over(identity)
    versions = ordered.with_columns(has_next.alias("__has_next"), following.alias("__following"))
    is_replaced = pl.col("__has_next") & pl.col("__following").eq_missing(pl.col("_seen_at"))
    is_gone = pl.col(GONE).fill_null(value=False)
    versions = versions.filter(~is_replaced & ~is_gone).with_columns(pl.lit(1, pl.Int8).alias("_weight"))
    retractions = versions.filter("__has_next").with_columns(
        pl.max_horizontal("_seen_at", "__following").alias("_seen_at"), pl.lit(-1, pl.Int8).alias("_weight")
    )
    return pl.concat([versions, retractions]).drop("__has_next", "__following", CORRECTED_AT, GONE)


def latest_versions(facts: pl.DataFrame, identity: Sequence[str], *, until: datetime | None = None) -> pl.DataFrame:
    """One version of each row: the last that was received by `until` (None: ever), in the order of the facts; none of a
    row that is gone by then.

    It has the times of the first one: what is known now about that moment.
    """
    if CORRECTED_AT not in facts.columns:
        return facts
    if until is not None:
        facts = facts.filter(pl.col(CORRECTED_AT).is_null() | (pl.col(CORRECTED_AT) <= until))
    ordered = facts.with_row_index("__row").sort(CORRECTED_AT, nulls_last=False, maintain_order=True)
    first = [pl.col(name).first().over(identity) for name in ("_known_at", "_seen_at", "__row") if name not in identity]
    kept = ordered.with_columns(first).unique(identity, keep="last", maintain_order=True)
    return kept.filter(~pl.col(GONE).fill_null(value=False)).sort("__row").drop("__row", CORRECTED_AT, GONE)
