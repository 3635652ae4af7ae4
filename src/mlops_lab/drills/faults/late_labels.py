"""Drill: the outcomes stop arriving, and come all at once when somebody has repaired their delivery."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts
from mlops_lab.drills.play import Sign
from mlops_lab.drills.span import Fault, play_fault


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    source = ground.project.settings.source

    def change(facts: Facts, since: datetime, until: datetime) -> Facts:
        known = pl.col(source.known_at)
        is_held_back = (known >= since) & (known < until)
        moment = pl.lit(until).cast(facts[source.table].schema[source.known_at])
        later = pl.when(is_held_back).then(moment).otherwise(known).alias(source.known_at)
        return {**facts, source.table: facts[source.table].with_columns(later)}

    return play_fault(ground, Fault(words="no outcome arrives", names=names_outcomes, change=change))


def names_outcomes(sign: Sign) -> bool:
    """Whether a sign is about the arrival of outcomes."""
    return sign.about in {"volume of outcomes", "freshness of outcomes_hours"} or sign.about.startswith("outcome_lag")


LATE_LABELS = Drill(
    name="late-labels",
    summary="Outcomes stop arriving, and come late.",
    target=Target(detect=timedelta(days=2), recover=timedelta(days=4), harmed_share=0.15),
    run=run,
)
