"""Drill: from one day on a client sends a number in another unit, kilometres instead of miles."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.columns import most_used, not_possible
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts, change_between, number_columns
from mlops_lab.drills.span import Fault, play_fault

_KILOMETRES = 1.609344
"""In a mile."""


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    source = ground.project.settings.source
    used = most_used(ground, [(source.table, name) for name in number_columns(ground.project)], convert)
    if used is None:
        raise not_possible("no number of a request changes an answer")

    def change(facts: Facts, since: datetime, until: datetime) -> Facts:
        return change_between(ground.project, facts, convert(facts[source.table], used.column), since, until)

    return play_fault(ground, Fault(words=f"{used.column} × {_KILOMETRES:.3f}", names=used.is_named_by, change=change))


def convert(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows with the column in the other unit."""
    value = pl.col(column) * _KILOMETRES
    return rows.with_columns(value if rows.schema[column].is_float() else value.round().cast(rows.schema[column]))


UNIT_CHANGE = Drill(
    name="unit-change",
    summary="A number arrives in another unit.",
    target=Target(detect=timedelta(days=3), recover=timedelta(days=4), harmed_share=0.4),
    run=run,
)
