"""Drill: the feed of a table that views look at stops; in a project without one, that of the requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.columns import UsedColumn, most_used
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.faults.null_column import blank
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts
from mlops_lab.drills.play import Sign
from mlops_lab.drills.span import Fault, play_fault


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    settings = ground.project.settings
    columns = [
        (name, column)
        for name, table in settings.tables.items()
        if table.known_at is not None
        for column in table.fields
        if column != table.known_at and column not in table.key
    ]
    used = most_used(ground, columns, blank)
    table, moment = settings.source.table, settings.source.time
    if used is not None:
        table, moment = used.table, settings.tables[used.table].known_at or ""

    def change(facts: Facts, since: datetime, until: datetime) -> Facts:
        return {**facts, table: facts[table].filter(~pl.col(moment).is_between(since, until, closed="left"))}

    names = _names_requests if used is None else _about_table(ground, used, columns)
    return play_fault(ground, Fault(words=f"no row of {table} arrives", names=names, change=change))


def _about_table(ground: Ground, used: UsedColumn, columns: list[tuple[str, str]]) -> Callable[[Sign], bool]:
    """Whether a sign names the table, or an input that is made from it."""
    views = [view for view in ground.champion.features.views if view.table == used.table]
    names = {used.table, *used.inputs, *(column for table, column in columns if table == used.table)}
    names |= {value for view in views for value in view.values}
    seen = UsedColumn(used.table, used.column, used.effect, frozenset(names))
    return seen.is_named_by


def _names_requests(sign: Sign) -> bool:
    return sign.about in {"volume of predictions", "freshness of predictions_hours"}


STOPPED_FEED = Drill(
    name="stopped-feed",
    summary="The rows of a table that features look at stop coming.",
    target=Target(detect=timedelta(days=2), recover=timedelta(days=4), harmed_share=0.2),
    run=run,
)
