"""Retractions: which facts count at a moment, where some of them were corrected.

A correction of a fact is two more rows, both seen when the correction was received: a retraction, which is the
corrected row again with a weight of -1, and the new version, a fact like any other with the same id. A fact counts from
the moment after it was seen until its retraction is seen. Where a row was corrected back to what it was, it is in the
table several times; each retraction belongs to the earliest of the equal facts that has none yet. So two corrections of
one fact must not be seen at the same moment.

In a window, a retraction takes back exactly what its fact added: both have the same known time, so both leave the
window at once, and one that is seen too late to be in a window would come after its fact has left it. Sums and counts
therefore only multiply by the weight; `last`, minimum and maximum need the facts that count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.features.exact import Integers
from mlops_lab.features.online import ALWAYS, Fact

NEVER = -ALWAYS
"""The moment of the retraction of a fact that was not retracted."""
_MATCHED = ["__version", "__place"]


# ---- a few facts of one entity: the server ------------------------------------------------------------------------


def live_facts(facts: Sequence[Fact]) -> Sequence[Fact]:
    """Those of these facts that none of these retractions retracts, without the retractions."""
    open_retractions = Counter(row_of(fact) for fact in facts if fact.weight < 0)
    if not open_retractions:
        return facts
    live = []
    for fact in sorted((fact for fact in facts if fact.weight > 0), key=lambda fact: fact.seen):
        if open_retractions[row_of(fact)]:
            open_retractions[row_of(fact)] -= 1
        else:
            live.append(fact)
    return live


def latest_fact(facts: Sequence[Fact]) -> Fact | None:
    """The latest of the facts that count; None where there is none."""
    return max(live_facts(facts), key=in_order, default=None)


def row_of(fact: Fact) -> tuple[Any, ...]:
    """What a fact and its retraction have in common."""
    return fact.known, fact.id, fact.values


def in_order(fact: Fact) -> tuple[int, str, int]:
    """The order of facts: when they were known, then by id; of versions of one fact the one seen last is the latest."""
    return fact.known, fact.id, fact.seen


# ---- all facts of a table: training -------------------------------------------------------------------------------


def has_retractions(facts: pl.DataFrame) -> bool:
    """Whether some of the facts are retractions."""
    return "_weight" in facts.columns and bool((facts["_weight"] < 0).any())


def retraction_moments(facts: pl.DataFrame) -> Integers:
    """For each fact the moment at which its retraction is seen; NEVER where it has none. ALWAYS for a retraction.

    So a row counts at a moment exactly if `_seen_at` < moment <= this. `facts` has its times as numbers.
    """
    identity = ["_known_at", "_fact_id"]
    row = [name for name in facts.columns if name not in {"_seen_at", "_weight"}]
    is_retraction = pl.col("_weight") < 0
    corrected = facts.filter(is_retraction).select(identity)
    versions = (
        facts.with_row_index("__row")
        .join(corrected, on=identity, how="semi")  # nearly all facts end here
        .with_columns(pl.col("__row").first().over(row).alias("__version"))
        .with_columns(pl.col("_seen_at").rank("ordinal").over("__version", is_retraction).alias("__place"))
    )
    retractions = versions.filter(is_retraction)
    matched = versions.filter(~is_retraction).join(retractions.select(*_MATCHED, moment="_seen_at"), on=_MATCHED)
    moments = np.full(facts.height, NEVER)
    moments[retractions["__row"].to_numpy()] = ALWAYS
    moments[matched["__row"].to_numpy()] = matched["moment"].to_numpy()
    return moments
