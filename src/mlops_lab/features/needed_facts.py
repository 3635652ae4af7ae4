"""Which facts can still be looked up from a moment on: the others need not be kept.

What is needed of two parts of some facts together is needed of what is needed of each part. So facts can be gone
through part by part, and what is needed of those so far be carried on, where a fact and its retractions lie in one
part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import polars as pl

from mlops_lab.features.retractions import has_retractions
from mlops_lab.features.view import View

_IS_KEPT = "__is_kept"
_ROW = "__row"
_NEWEST = "__newest"
_ORDER = ("_known_at", "_fact_id", "_seen_at")
_MICROSECOND = timedelta(microseconds=1)


def needed_facts(
    facts: pl.DataFrame,
    views: Sequence[View],
    *,
    since: datetime,
    received_since: datetime | None = None,
    with_stale: bool = True,
    in_order: bool = True,
) -> pl.DataFrame:
    """The facts of a table that these views can look up at `since` or later; of versions of one fact the newest comes
    last (`in_order` false: the facts come as they are, which takes a third of the time).

    Windows need the facts within them. A view without a window needs of what is older the latest fact of each entity,
    and those that were not seen by `since`. `received_since`: all facts seen since then are kept, too. `with_stale`:
    so is a latest fact that is stale, which has the values of no fact.
    """
    limited = {view: view.window or (None if with_stale else view.stale_after) for view in views}
    reach = max((limit for limit in limited.values() if limit), default=timedelta(0))
    facts = _sort(facts) if in_order else facts
    is_kept = pl.col("_known_at").is_null() | (pl.col("_known_at") >= since - reach)
    if received_since is not None:
        is_kept |= pl.col("_seen_at") >= received_since
    is_corrected = has_retractions(facts)
    if is_corrected:
        facts, is_kept = _without_retracted(facts, is_kept, since=since)
    kept = facts.select(is_kept.fill_null(value=False).alias(_IS_KEPT))[_IS_KEPT]
    unlimited = [view for view, limit in limited.items() if limit is None]
    if not unlimited:
        return facts.filter(kept)
    read = dict.fromkeys([*_ORDER, *(column for view in unlimited for column in view.keys.values())])
    read_facts = facts.select(list(read)).with_columns(kept).with_row_index(_ROW)
    if is_corrected:  # a fact in a window may be retracted: what is older counts again then
        read_facts = read_facts.filter(~kept)
    latest = [_latest(read_facts, [*view.keys.values()], since=since)[_ROW] for view in unlimited]
    return facts[pl.concat([kept.arg_true(), *latest]).unique().sort()]


def _sort(facts: pl.DataFrame) -> pl.DataFrame:
    return facts.sort(_ORDER, nulls_last=False, maintain_order=True)


def reach_of(views: Iterable[View]) -> timedelta:
    """How old facts can be that these views look up and do not call stale, but for views without a limit."""
    limits = [view.window or view.stale_after for view in views]
    return max((limit for limit in limits if limit), default=timedelta(0))


def _latest(facts: pl.DataFrame, entity: Sequence[str], *, since: datetime) -> pl.DataFrame:
    """Which facts that are not kept anyway are the latest of their entity at `since`, or at a moment after it: no fact
    that comes after it in the order of the facts was seen by when it was seen."""
    moment = pl.lit(since, pl.Datetime("us", "UTC"))
    is_seen = pl.col("_seen_at").is_null() | (pl.col("_seen_at") < moment)
    newest = facts.lazy().filter(is_seen).group_by(entity).agg(pl.col("_known_at").max().alias(_NEWEST))
    older = facts.lazy().filter(~pl.col(_IS_KEPT)).join(newest, on=entity, how="left", nulls_equal=True)
    found = older.filter(pl.col(_NEWEST).is_null() | (pl.col("_known_at") >= pl.col(_NEWEST))).collect()
    is_alone = pl.struct(entity).is_unique()  # most are: to compare facts within each entity takes longest
    alone, several = found.filter(is_alone), _sort(found.filter(~is_alone))
    seen = pl.max_horizontal("_seen_at", moment - _MICROSECOND)  # one that is seen at `since` is not seen there yet
    earliest_after = seen.cum_min(reverse=True).shift(-1).over(entity)
    return pl.concat([alone, several.filter(earliest_after.is_null() | (seen < earliest_after))])


def _without_retracted(facts: pl.DataFrame, is_kept: pl.Expr, *, since: datetime) -> tuple[pl.DataFrame, pl.Expr]:
    """The facts without those that were retracted before; and which are kept: all versions of a fact that is corrected
    after `since` are, as another fact is the latest one only before or after that."""
    row = [name for name in facts.columns if name not in {"_seen_at", "_weight"}]
    weight = pl.col("_weight").fill_null(1)
    is_open = (pl.col("_seen_at") >= since) & (weight.min().over(row) < 0)
    is_kept = (is_kept | is_open).fill_null(value=False).any().over(row)
    return facts.filter(is_kept | ((weight > 0) & (weight.sum().over(row) > 0))), is_kept
