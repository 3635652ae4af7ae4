"""The facts that logged predictions can have looked up: read by time, so that neither memory nor the time for a day
grow with the past.

Windows, and views that call old facts stale, need the facts of a limited time. A view without a limit needs of all
older facts the latest of each entity (`features.needed_facts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.features.needed_facts import needed_facts, reach_of
from mlops_lab.features.view import View, columns_by_table
from mlops_lab.lake import Lake
from mlops_lab.lake.damage import DamagedFile, read_readable
from mlops_lab.project import Project
from mlops_lab.schemas.casts import complete_columns
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.fact_parts import gather_facts
from mlops_lab.tables.fact_ranges import FactRanges
from mlops_lab.tables.facts import concat_facts, facts_of, identity_of
from mlops_lab.tables.fields import table_schemas
from mlops_lab.tables.versions import with_retractions

FACTS_AT_ONCE = 1_000_000


class LookedUpFacts:
    """The facts of the tables that some views look up, for predictions that come in the order of their times.

    `requests`: the only predictions that there are; else it is any. `damaged` names the files that could not be read.
    """

    def __init__(
        self, project: Project, lake: Lake, views: Sequence[View], *, requests: pl.DataFrame | None = None
    ) -> None:
        self._project = project
        self._lake = lake
        self._requests = requests
        declared = table_schemas(project)
        self._views = {
            table: [view for view in views if view.table == table]
            for table in dict.fromkeys(view.table for view in views)
            if table in declared
        }
        columns = columns_by_table(views)
        self._ranges = FactRanges(project, lake, columns={table: columns[table] for table in self._views})
        self._later: dict[str, pl.DataFrame | None] = {}
        self._held: dict[str, pl.DataFrame] = {}
        """By table, the facts known before `_until` that can still be looked up."""
        self._until: dict[str, datetime] = {}
        self._readable: dict[str, pl.DataFrame] | None = None
        self.damaged: list[DamagedFile] = []

    def between(self, since: datetime, until: datetime) -> Mapping[str, pl.DataFrame]:
        """By table, the facts that predictions made at or after `since`, and not after `until`, can have looked up.

        `since` must not be before the `until` of the call before.
        """
        if self._readable is None:
            try:
                return {table: self._read(table, since, until) for table in self._views}
            except MlopsError:  # a file is damaged, or a value is of another type
                self._readable = {table: self._read_readable(table) for table in self._views}
        return self._readable

    def cuts(self) -> list[datetime]:
        """Moments between which not too many facts became known."""
        return sorted({cut for table in self._views for cut in self._ranges.cuts(table, rows=FACTS_AT_ONCE)})

    def _read(self, table: str, since: datetime, until: datetime) -> pl.DataFrame:
        views = self._views[table]
        began = since - reach_of(views)
        if table not in self._held:
            self._later[table] = self._later_versions(table, began, until)
            self._held[table] = self._ranges.always_known(table)
            if not self._has_limit(table):
                self._add_older(table, since=since, before=began)
            self._until[table] = began
        self._skip(table, since=since, until=began)
        held = needed_facts(self._held[table], views, since=since, with_stale=False)
        self._held[table] = concat_facts([held, self._between(table, self._until[table], until)])
        self._until[table] = max(self._until[table], until)
        return self._held[table]

    def _skip(self, table: str, *, since: datetime, until: datetime) -> None:
        """Go on to a moment, with those of the facts until then that can be looked up at `since` or later."""
        if not self._has_limit(table) and self._until[table] < until:
            cuts = self._ranges.cuts(table, rows=FACTS_AT_ONCE, until=until)
            ends = [self._until[table], *(cut for cut in cuts if cut > self._until[table]), until]
            parts = (self._between(table, begin, end) for begin, end in pairwise(ends))
            self._held[table] = self._gather(table, parts, self._views[table], since=since)
        self._until[table] = max(self._until[table], until)

    def _add_older(self, table: str, *, since: datetime, before: datetime) -> None:
        """Add the facts known before a moment that can be looked up at `since` or later; the newest are read first, and
        none any more once every entity that was asked for has one."""
        views = [view for view in self._views[table] if _is_unlimited(view)]
        ends = [before, *reversed(self._ranges.cuts(table, rows=FACTS_AT_ONCE, until=before)), None]
        parts = (self._between(table, begin, end) for end, begin in pairwise(ends) if end is not None)
        if self._requests is None:
            self._held[table] = self._gather(table, parts, views, since=since)
            return
        for older in parts:
            asked = older.filter(pl.any_horizontal(_is_asked_for(view, self._requests) for view in views))
            self._held[table] = needed_facts(concat_facts([self._held[table], asked]), views, since=since)
            if all(_are_found(view, self._requests, self._held[table], since) for view in views):
                break

    def _gather(
        self, table: str, parts: Iterable[pl.DataFrame], views: Sequence[View], *, since: datetime
    ) -> pl.DataFrame:
        """The facts that are held and those of the parts that can be looked up at `since` or later."""
        facts = gather_facts(
            parts,
            lambda facts: needed_facts(facts, views, since=since, in_order=False),
            held=self._held[table],
            rows_at_once=FACTS_AT_ONCE,
        )
        return needed_facts(facts, views, since=since)

    def _has_limit(self, table: str) -> bool:
        """Whether facts of a limited time are all that can be looked up."""
        return not any(_is_unlimited(view) for view in self._views[table])

    def _between(self, table: str, since: datetime | None, until: datetime) -> pl.DataFrame:
        return self._ranges.between(table, since, until, later=self._later[table])

    def _later_versions(self, table: str, began: datetime, until: datetime) -> pl.DataFrame | None:
        """The later versions that can matter: all of them, where it is not known what else will be looked up."""
        if self._requests is None:
            return self._ranges.later_versions(table)
        return self._ranges.later_versions(table, since=began if self._has_limit(table) else None, until=until)

    def _read_readable(self, table: str) -> pl.DataFrame:
        """All facts of the files that can be read."""
        parts = []
        for name in self._ranges.stored(table):
            rows, damaged = read_readable(self._lake, name)
            schema = OUTCOMES.schema(self._project) if name == OUTCOMES.name else table_schemas(self._project)[name]
            parts.append(facts_of(self._project, name, complete_columns(rows, schema), as_served=True))
            self.damaged += damaged
        return with_retractions(concat_facts(parts), identity_of(self._project, table))


def _is_unlimited(view: View) -> bool:
    """Whether the view looks up facts however old they are."""
    return view.window is None and view.stale_after is None


def _entities(view: View, requests: pl.DataFrame) -> pl.DataFrame:
    """The entities that requests look up, by the columns of the facts; none where a field is gone from the log."""
    columns = [
        requests[field].alias(column) if field in requests.columns else pl.Series(column, [None] * requests.height)
        for field, column in view.keys.items()
    ]
    return pl.DataFrame(columns).drop_nulls().unique()


def _is_asked_for(view: View, requests: pl.DataFrame) -> pl.Expr:
    """Which facts are about an entity that a request looks up; of keys of several columns, also others."""
    return pl.all_horizontal(pl.col(key.name).is_in(key.implode()) for key in _entities(view, requests))


def _are_found(view: View, requests: pl.DataFrame, facts: pl.DataFrame, since: datetime) -> bool:
    """Whether each entity that a request looks up has a fact that was seen before `since`, and never corrected."""
    seen = facts.filter(pl.col("_seen_at").is_null() | (pl.col("_seen_at") < since))
    if "_weight" in facts.columns:
        corrected = facts.filter(pl.col("_weight") < 0)
        seen = seen.join(corrected, on=["_known_at", "_fact_id"], how="anti", nulls_equal=True)
    return _entities(view, requests).join(seen, on=[*view.keys.values()], how="anti").is_empty()
