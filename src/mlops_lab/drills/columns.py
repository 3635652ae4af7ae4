"""Which columns matter to a version: how much its answers change where one is changed, and which inputs see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from mlops_lab.drills.ground import Ground
from mlops_lab.drills.harm import distances
from mlops_lab.drills.play import Sign
from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.held_out import compute_inputs

_SAMPLE = 2_000
Change = Callable[[pl.DataFrame, str], pl.DataFrame]
"""The rows of a table with a column changed."""


@dataclass(frozen=True)
class UsedColumn:
    """A column of a table, how much answers change on average where it is changed, and the inputs that see it."""

    table: str
    column: str
    effect: float
    inputs: frozenset[str]

    def is_named_by(self, sign: Sign) -> bool:
        """Whether a sign names the column, or an input that is made from it."""
        words = f" {sign.about} {sign.text} ".replace('"', " ").replace(",", " ").replace(";", " ").replace(":", " ")
        return any(f" {name} " in words or f".{name} " in words for name in {self.column, *self.inputs})


def most_used(ground: Ground, columns: Iterable[tuple[str, str]], change: Change) -> UsedColumn | None:
    """The one of some columns (table, column) whose change moves the answers of the champion most; None where none
    does."""
    used = [measure_effect(ground, table, column, change) for table, column in columns]
    best = max(used, key=lambda item: item.effect, default=None)
    return best if best is not None and best.inputs else None


def measure_effect(ground: Ground, table: str, column: str, change: Change) -> UsedColumn:
    """What a change of a column does to the inputs and the answers of the champion, in the days before the fault."""
    project, champion, known = ground.project, ground.champion, ground.history.known
    source = project.settings.source
    rows = known[source.table].filter(pl.col(source.time) < ground.since).tail(_SAMPLE)
    facts = {**known, table: change(known[table], column)} if table != source.table else known
    asked = change(rows, column) if table == source.table else rows
    before, _ = compute_inputs(project, champion, rows, facts=known)
    after, _ = compute_inputs(project, champion, asked, facts=facts)
    moved = frozenset(name for name in champion.features.inputs if not before[name].equals(after[name]))
    effect = distances(champion.score(before), champion.score(after), champion.task).mean()
    return UsedColumn(table, column, float(effect) if isinstance(effect, float) else 0.0, moved)


def not_possible(what: str) -> InvalidInput:
    """The error where a project has nothing that the fault could be injected into."""
    return InvalidInput(
        f"this drill is not possible here: {what}", code="no_drill_here", hint="`mlops drill list` lists the others"
    )
