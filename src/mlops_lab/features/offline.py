"""Features of many rows at once, each as of its own time: the training side of the one definition.

A windowed value is the difference of two running sums, looked up strictly before the row's time and strictly
before the start of its window. The online side takes the same difference, so the two agree to the last bit as
long as the running sums are exact (integers of any size up to 2^53, or their multiples by a power of two).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import polars as pl

from mlops_lab.features.definition import Features, View

_TIME = "__time"
_ROW = "__row"


def compute(features: Features, rows: pl.DataFrame, *, time: str, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The model inputs of `rows`, in their order; one row each.

    `time` names the column of `rows` that holds each row's moment. `facts` maps a table to its rows with the
    columns `known_at` (datetime, null for what was always known) and `fact_id` (tie-break) beside its own.
    """
    return features.select(look_up(features, rows, time=time, facts=facts))


def look_up(features: Features, rows: pl.DataFrame, *, time: str, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`rows` with the values of all views beside their own columns."""
    columns = [view_values(view, rows, time=time, facts=facts[view.table]) for view in features.views]
    return pl.concat([rows, *columns], how="horizontal") if columns else rows


def view_values(view: View, rows: pl.DataFrame, *, time: str, facts: pl.DataFrame) -> pl.DataFrame:
    """One column per value of the view, in the order of `rows`."""
    asked = rows.select(pl.col(time).alias(_TIME), pl.col(view.by)).with_row_index(_ROW)
    facts = facts.filter(pl.col(view.by).is_not_null()).sort("known_at", "fact_id", nulls_last=False)
    found = _last(view, asked, facts) if view.window is None else _windowed(view, asked, facts)
    return found.sort(_ROW).select(list(view.values))


def _last(view: View, asked: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    values = [pl.col(aggregate.column).alias(name) for name, aggregate in view.values.items()]
    always = pl.datetime(1, 1, 1, time_unit="us", time_zone="UTC")
    table = facts.select(view.by, *values, __known=pl.col("known_at").fill_null(always))
    return _as_of(asked, table, view.by, at=_TIME)


def _windowed(view: View, asked: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    running = []
    for name, aggregate in view.values.items():
        value = pl.col(aggregate.column)
        running.append(value.is_not_null().cast(pl.Int64).cum_sum().over(view.by).alias(f"count:{name}"))
        if aggregate.how != "count":
            running.append(value.cast(pl.Float64).fill_null(0.0).cum_sum().over(view.by).alias(f"sum:{name}"))
    table = facts.filter(pl.col("known_at").is_not_null()).select(view.by, *running, __known=pl.col("known_at"))
    assert view.window is not None
    until = _as_of(asked, table, view.by, at=_TIME).sort(_ROW)
    since = _as_of(asked.with_columns(pl.col(_TIME) - view.window), table, view.by, at=_TIME).sort(_ROW)
    values = []
    for name, aggregate in view.values.items():
        number = until[f"count:{name}"].fill_null(0) - since[f"count:{name}"].fill_null(0)
        if aggregate.how == "count":
            values.append(number.cast(pl.Float64).alias(name))
            continue
        amount = until[f"sum:{name}"].fill_null(0.0) - since[f"sum:{name}"].fill_null(0.0)
        found = amount if aggregate.how == "sum" else (amount / number).set(number == 0, None)
        values.append(found.alias(name))
    return pl.DataFrame([until[_ROW], *values])


def _as_of(asked: pl.DataFrame, table: pl.DataFrame, by: str, *, at: str) -> pl.DataFrame:
    with warnings.catch_warnings():  # both sides are sorted; Polars cannot check it within groups, and says so
        warnings.simplefilter("ignore", UserWarning)
        return asked.sort(at).join_asof(
            table, left_on=at, right_on="__known", by=by, strategy="backward", allow_exact_matches=False
        )
