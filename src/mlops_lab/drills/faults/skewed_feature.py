"""Drill: a client sends half of its requests with a number that is two standard deviations too high."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.columns import most_used, not_possible
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts, change_between, number_columns
from mlops_lab.drills.span import Fault, play_fault

_DEVIATIONS = 2


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    source = ground.project.settings.source
    columns = [(source.table, name) for name in number_columns(ground.project)]
    used = most_used(ground, columns, shift)
    if used is None:
        raise not_possible("no number of a request changes an answer")
    words = f"{used.column} is {_DEVIATIONS} standard deviations too high in every other request"

    def change(facts: Facts, since: datetime, until: datetime) -> Facts:
        return change_between(ground.project, facts, shift(facts[source.table], used.column), since, until)

    return play_fault(ground, Fault(words=words, names=used.is_named_by, change=change))


def shift(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows, every other one with a higher value."""
    value = pl.col(column)
    higher = (value + _DEVIATIONS * value.std()).round().cast(rows.schema[column], strict=False)
    if rows.schema[column].is_float():
        higher = value + _DEVIATIONS * value.std()
    return rows.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(higher).otherwise(value).alias(column))


SKEWED_FEATURE = Drill(
    name="skewed-feature",
    summary="Half of the requests have a number that is far too high.",
    target=Target(detect=timedelta(days=3), recover=timedelta(days=4), harmed_share=0.2),
    run=run,
)
