"""The facts in the state that servers start from: those of the state before, and what was added to the lake since.

All facts are gone through again, a range of time after another, where that would not be the same: the views, the
declaration of a table or the clock have changed, facts were corrected, or there is no state from before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.features.needed_facts import needed_facts
from mlops_lab.features.view import View
from mlops_lab.ids import hash_json
from mlops_lab.lake import Lake
from mlops_lab.lake.added import Mark, mark_of
from mlops_lab.project import Project
from mlops_lab.tables.fact_parts import gather_facts
from mlops_lab.tables.fact_ranges import FactRanges
from mlops_lab.tables.versions import CORRECTED_AT

FACTS_FILE = "facts.json"
_FORMAT = 2
_FACTS_AT_ONCE = 200_000
"""How many facts are read at least before those that are not needed are dropped."""


class _TableState(msgspec.Struct, frozen=True):
    """Up to where the tables that hold some facts were read, since when all of the facts are there, and the hash of
    all else that they depend on."""

    marks: dict[str, Mark]
    oldest: datetime
    declared: str


class _State(msgspec.Struct, frozen=True):
    """What a state says about its facts, by table."""

    tables: dict[str, _TableState]
    format: int = _FORMAT


class StateFacts:
    """Finds the facts that requests from now on can still look up. `newest` is the newest moment of the project: facts
    may lie after it. `before`: the folder of a state from before."""

    def __init__(self, project: Project, lake: Lake, *, newest: datetime | None, before: Path | None) -> None:
        self._project = project
        self._lake = lake
        self._newest = newest
        self._before = before
        self._ranges = FactRanges(project, lake)
        self._known = _read_state(before)
        self._found: dict[str, _TableState] = {}

    def write(self, folder: Path, views: Sequence[View]) -> None:
        """Write the facts of each table that these views look up into the folder of a state."""
        for table in (self._project.settings.source.table, *self._project.settings.tables):
            own = [view for view in views if view.table == table]
            if own:
                self.find(table, own).write_parquet(folder / f"{table}.parquet")
        (folder / FACTS_FILE).write_bytes(msgspec.json.encode(_State(self._found)))

    def find(self, table: str, views: Sequence[View]) -> pl.DataFrame:
        """The facts of a table that these views can still look up; of versions of one fact the newest comes last."""
        marks = self._marks(table)
        facts = self._added(table, views, until=marks)
        if facts is None:
            facts = self._all(table, views)
        newest_fact = facts["_known_at"].max()
        if self._newest is not None and isinstance(newest_fact, datetime) and self._marks(table) == marks:
            oldest = self._oldest(views, newest_fact)[1]
            self._found[table] = _TableState(marks, oldest, self._declared(table, views))
        return facts

    def _added(self, table: str, views: Sequence[View], *, until: dict[str, Mark]) -> pl.DataFrame | None:
        """The facts of the state before with those that were added since; None where all must be read."""
        known = self._known.get(table)
        if known is None or self._before is None or known.declared != self._declared(table, views):
            return None
        if known.marks.keys() != until.keys():  # there are outcomes now, and there were none
            return None
        try:
            facts = pl.read_parquet(self._before / f"{table}.parquet", glob=False)
        except (OSError, pl.exceptions.PolarsError):
            return None
        for name, mark in known.marks.items():
            added = self._lake.read_added(name, mark)
            if added.is_whole or added.mark != until[name]:
                return None
            parts = (self._ranges.facts_of(name, rows) for rows in added.parts)
            facts = self._gather(parts, views, held=facts)
            if CORRECTED_AT in facts.columns:
                return None
        facts, oldest = self._needed(facts, views)
        return facts if oldest is not None and oldest >= known.oldest else None

    def _needed(
        self, facts: pl.DataFrame, views: Sequence[View], *, in_order: bool = True
    ) -> tuple[pl.DataFrame, datetime | None]:
        """Those of some facts that are needed, and since when all are there; all of them where there is no moment."""
        newest_fact = facts["_known_at"].max()
        if self._newest is None or not isinstance(newest_fact, datetime):
            return facts, None
        since, oldest = self._oldest(views, newest_fact)
        return needed_facts(facts, views, since=since, received_since=oldest, in_order=in_order), oldest

    def _all(self, table: str, views: Sequence[View]) -> pl.DataFrame:
        """The facts from all that the lake holds, the newest first."""
        facts = self._ranges.always_known(table).sort("_known_at", "_fact_id", "_seen_at", nulls_last=False)
        facts = self._gather(self._parts(table), views, held=facts)
        return self._needed(facts, views)[0]

    def _gather(self, parts: Iterable[pl.DataFrame], views: Sequence[View], *, held: pl.DataFrame) -> pl.DataFrame:
        return gather_facts(
            parts,
            lambda facts: self._needed(facts, views, in_order=False)[0],
            held=held,
            rows_at_once=_FACTS_AT_ONCE,
        )

    def _parts(self, table: str) -> Iterator[pl.DataFrame]:
        later = self._ranges.later_versions(table)
        cuts = self._ranges.cuts(table, rows=_FACTS_AT_ONCE)
        for until, since in pairwise([None, *reversed(cuts), None]):
            yield self._ranges.between(table, since, until, later=later)

    def _oldest(self, views: Sequence[View], newest_fact: datetime) -> tuple[datetime, datetime]:
        """The earliest moment that is still looked up, and the earliest at which a fact in a window was known then."""
        assert self._newest is not None
        margin = timedelta(days=self._project.settings.source.outcome_within_days)
        since = min(self._newest, newest_fact) - margin
        return since, since - max((view.window for view in views if view.window), default=timedelta(0))

    def _marks(self, table: str) -> dict[str, Mark]:
        return {
            name: mark_of(self._lake.table_path(name), self._lake.version(name)) for name in self._ranges.stored(table)
        }

    def _declared(self, table: str, views: Sequence[View]) -> str:
        """The hash of what is declared about a table and looked up in it."""
        settings = self._project.settings
        sections = [settings.source, settings.tables.get(table)]
        return hash_json([msgspec.to_builtins(sections), sorted(view.version for view in views)])


def _read_state(folder: Path | None) -> dict[str, _TableState]:
    """What a state says about its facts; nothing where it does not, as those of older releases."""
    if folder is not None:
        with suppress(OSError, msgspec.MsgspecError):
            state = msgspec.json.decode((folder / FACTS_FILE).read_bytes(), type=_State)
            return state.tables if state.format == _FORMAT else {}
    return {}
