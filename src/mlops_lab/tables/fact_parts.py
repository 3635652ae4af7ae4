"""Facts that are gone through part by part, of which only some are needed in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from mlops_lab.tables.facts import concat_facts


def gather_facts(
    parts: Iterable[pl.DataFrame],
    needed: Callable[[pl.DataFrame], pl.DataFrame],
    *,
    held: pl.DataFrame,
    rows_at_once: int,
) -> pl.DataFrame:
    """The facts that are held, and those of the parts that `needed` keeps; some that it would drop may be left.

    To sort them out after each part would take longer than to read them, where millions are needed. So it waits until
    there are half as many more than were needed the last time, and at least `rows_at_once` more.
    """
    kept = held.height
    for part in parts:
        held = concat_facts([held, part])
        if held.height > kept + max(rows_at_once, kept // 2):
            held = needed(held)
            kept = held.height
    return held
