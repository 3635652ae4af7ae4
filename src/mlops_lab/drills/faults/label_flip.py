"""Drill: from one day on outcomes say the opposite; when somebody has seen it, they are right again."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts
from mlops_lab.drills.play import Sign
from mlops_lab.drills.span import Fault, play_fault
from mlops_lab.monitoring.rules import OF_QUALITY
from mlops_lab.project import Project

_ABOUT = (*OF_QUALITY, "calibration")


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    source = ground.project.settings.source

    def change(facts: Facts, since: datetime, until: datetime) -> Facts:
        rows = facts[source.table]
        is_wrong = pl.col(source.known_at).is_between(since, until, closed="left")
        wrong = pl.when(is_wrong).then(opposite(ground.project)).otherwise(source.label)
        return {**facts, source.table: rows.with_columns(wrong.alias(source.label))}

    words = f"{source.label} is the opposite of what happened"
    return play_fault(ground, Fault(words=words, names=_names_quality, change=change))


def opposite(project: Project) -> pl.Expr:
    """The opposite of the label: for a class the next one, for a number its mirror image between least and greatest."""
    label = pl.col(project.settings.source.label)
    if project.task == "binary":
        return ~label
    if project.classes:
        following = dict(zip(project.classes, (*project.classes[1:], project.classes[0]), strict=True))
        return label.replace(following)
    return label.max() + label.min() - label


def _names_quality(sign: Sign) -> bool:
    return sign.kind == "alert" and sign.about.split(" of ")[0] in _ABOUT


LABEL_FLIP = Drill(
    name="label-flip",
    summary="Outcomes say the opposite of what happened.",
    target=Target(detect=timedelta(days=3), recover=timedelta(days=6), harmed_share=0.05),
    run=run,
)
