"""The latest fact of every entity at every moment, computed for all at once."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from mlops_lab.features.exact import Integers
from mlops_lab.features.sorted_facts import SortedFacts


def latest_facts(facts: SortedFacts) -> Integers:
    """For each index in the order seen, the table index of the latest fact that counts; -1 where there is none."""
    known = facts.rows_by_id()
    rank = np.empty(len(known), dtype=np.int64)
    rank[known] = np.arange(len(known))
    # the latest of the facts seen so far; ranks grow from entity to entity, so a maximum stays within one
    best = known[np.maximum.accumulate(rank[facts.seen.rows])] if len(known) else known
    if facts.weights is not None:
        retractions = np.flatnonzero(facts.weights[facts.seen.rows] < 0)
        for entity in np.unique(np.searchsorted(facts.seen.begins, retractions, side="right") - 1):
            begin, end = facts.seen.begins[entity], facts.seen.begins[entity + 1]
            best[begin:end] = _latest_that_count(facts, facts.seen.rows[begin:end], rank)
    return best


def _latest_that_count(facts: SortedFacts, rows: Integers, rank: Integers) -> list[int]:
    """The latest fact after each of one entity's facts, which are `rows` in the order seen."""
    assert facts.retracted_at is not None
    candidates: list[tuple[int, int, int]] = []  # a heap of facts: the latest one first; with their retraction and row
    latest = []
    seen_at = facts.seen_at.gather(rows).to_list()
    for row, seen, retracted_at, place in zip(
        rows.tolist(), seen_at, facts.retracted_at[rows].tolist(), rank[rows].tolist(), strict=True
    ):
        if retracted_at > seen:
            heappush(candidates, (-place, retracted_at, row))
        while candidates and candidates[0][1] <= seen:
            heappop(candidates)
        latest.append(candidates[0][2] if candidates else -1)
    return latest
