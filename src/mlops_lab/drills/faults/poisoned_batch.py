"""Drill: somebody posts a batch of invented rows with wrong outcomes into the source table."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.columns import not_possible
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.faults.label_flip import opposite
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts
from mlops_lab.drills.play import Sign
from mlops_lab.drills.span import Fault, play_fault
from mlops_lab.project import ROW_ID

_SHARE, _MOST = 0.25, 5_000
"""Of the rows that were known before, and how many are posted at most."""


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    source = ground.project.settings.source
    if source.id == ROW_ID:
        raise not_possible(f"single rows of {source.table} have no id, so none can be posted")

    def change(facts: Facts, since: datetime, _until: datetime) -> Facts:
        rows = facts[source.table]
        # Rows of the past: the replay posts what was asked before its first day into the source table.
        past = rows.filter(pl.col(source.known_at) < ground.start)
        batch = past.sample(min(_MOST, int(_SHARE * past.height)), seed=1).with_columns(
            opposite(ground.project).alias(source.label),
            pl.lit(since + timedelta(hours=12)).cast(rows.schema[source.known_at]).alias(source.known_at),
            pl.format("poisoned-{}", source.id).alias(source.id),
        )
        return {**facts, source.table: pl.concat([rows, batch]).sort(source.time, source.id)}

    words = f"invented rows of {source.table} are posted, with opposite outcomes"
    return play_fault(ground, Fault(words=words, names=_names_rows, change=change))


def _names_rows(_sign: Sign) -> bool:
    """Any sign counts that the healthy twin did not see: a refusal of rows, or inputs or answers that are unusual."""
    return True


POISONED_BATCH = Drill(
    name="poisoned-batch",
    summary="A batch of invented rows with wrong outcomes is posted.",
    target=Target(detect=timedelta(days=2), recover=timedelta(days=4), harmed_share=0.05),
    run=run,
)
