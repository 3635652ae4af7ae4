"""The facts of tables by when they became known: a range of them is read at a time, as servers have seen them.

A fact and its retractions are in one range, whenever they were seen. What corrects a fact of the source table may have
become known in another range: `later_versions` finds these rows, of which there are few.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.lake.bounds import FileBounds
from mlops_lab.lake.file_summaries import count_values
from mlops_lab.lake.nulls import read_nulls
from mlops_lab.project import Project
from mlops_lab.schemas.casts import complete_columns
from mlops_lab.tables.arrival import LATER
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import LOOP_COLUMNS, concat_facts, facts_of, identity_columns, identity_of, known_at_of
from mlops_lab.tables.fields import table_schemas
from mlops_lab.tables.verdict import Verdict
from mlops_lab.tables.versions import CORRECTED_AT, GONE, with_retractions

_IS_OWN = "__is_own"
_VERSION = ["_fact_id", "_known_at", "_seen_at", CORRECTED_AT]


class FactRanges:
    """Reads the facts of a project's tables: all their columns, or those that `columns` names by table.

    What can be null is read as null where a column is gone from the lake, or has values of another type.
    """

    def __init__(self, project: Project, lake: Lake, *, columns: Mapping[str, Collection[str]] | None = None) -> None:
        self._project = project
        self._lake = lake
        self._columns = columns

    def between(
        self,
        table: str,
        since: datetime | None,
        until: datetime | None,
        *,
        later: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """The facts of a table that became known at or after `since`, and before `until`; of the source table with
        their retractions by `later` versions."""
        parts = []
        for name in self.stored(table):
            if (known_at := known_at_of(self._project, name)) is not None:
                after, before = (known_at, since) if since else None, (known_at, until) if until else None
                rows = self._lake.read(name, since=after, before=before, columns=self._wanted(name))
                parts.append(self.facts_of(name, rows.filter(pl.col(known_at).is_not_null())))
        return self._join(table, parts, later=later)

    def always_known(self, table: str) -> pl.DataFrame:
        """The facts of a table without a moment at which they became known."""
        parts = []
        for name in self.stored(table):
            known_at, wanted = known_at_of(self._project, name), self._wanted(name)
            if known_at is None:
                rows = self._lake.read(name, columns=wanted)
            else:
                rows = read_nulls(self._lake, name, known_at, columns=wanted)
            parts.append(self.facts_of(name, rows))
        return self._join(table, parts)

    def later_versions(
        self, table: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> pl.DataFrame | None:
        """Which rows of the source table and of the outcomes are later versions of others; of the outcomes, those known
        at or after `since` and before `until`. None for other tables: all versions of a row of theirs are known at the
        same moment.
        """
        source = self._project.settings.source
        if table != source.table:
            return None
        parts = []
        for name in self.stored(table):
            column, later = ("verdict", [Verdict.CORRECTED]) if name == OUTCOMES.name else ("received_as", LATER)
            for rows in self._rows_with(
                name, column, later, *((since, until) if name == OUTCOMES.name else (None, None))
            ):
                facts = facts_of(self._project, name, rows, columns=(), as_served=True)
                parts.append(facts.select(*_VERSION, GONE))
        return pl.concat(parts) if parts else None

    def cuts(self, table: str, *, rows: int, until: datetime | None = None) -> list[datetime]:
        """Moments, oldest first, between which about so many facts of a table became known, as its files tell; none at
        or after `until`."""
        counted: list[tuple[datetime, int]] = []
        for name in self.stored(table):
            if (known_at := known_at_of(self._project, name)) is not None:
                sizes = self._lake.files(name)
                bounds = self._lake.bounds(name, known_at)
                counted += [(file.least, sizes[file.path].rows) for file in bounds if file.least is not None]
        cuts, number = [], 0
        for least, size in sorted(counted):
            if number and number + size > rows and (until is None or least < until):
                cuts.append(least)
                number = 0
            number += size
        return cuts

    def stored(self, table: str) -> list[str]:
        """The tables of the lake that hold the facts of a table: those of the source table are also in the outcomes."""
        names = [table, OUTCOMES.name] if table == self._project.settings.source.table else [table]
        return [name for name in names if self._lake.exists(name)]

    def _rows_with(
        self, name: str, column: str, values: Collection[str], since: datetime | None, until: datetime | None
    ) -> Iterator[pl.DataFrame]:
        """By file, the rows with one of these texts in a column: their moments and what identifies them."""
        if column not in self._lake.schema(name):
            return
        bounds = {file.path: file for file in self._lake.bounds(name, known_at_of(self._project, name) or "")}
        counts = count_values(self._lake, name, column)
        files = [
            file for file, count in counts.items() if {*values} & count.keys() and _is_in(bounds[file], since, until)
        ]
        named = {*self._identity(name), column, *LOOP_COLUMNS}
        wanted = [stored for stored in self._lake.schema(name) if stored in named]
        for rows in self._lake.read_files(name, files, columns=wanted):
            yield rows.filter(pl.col(column).is_in([*values]))

    def _join(self, table: str, parts: Sequence[pl.DataFrame], *, later: pl.DataFrame | None = None) -> pl.DataFrame:
        """The facts of a table in these parts, with retractions."""
        facts = concat_facts(parts) if parts else self.facts_of(table, pl.DataFrame())
        identity = identity_of(self._project, table)
        if later is None or facts.is_empty():
            return with_retractions(facts, identity)
        others = later.join(facts, on=identity, how="semi")
        if CORRECTED_AT in facts.columns:
            others = others.join(facts, on=_VERSION, how="anti", nulls_equal=True)
        if others.is_empty():
            return with_retractions(facts, identity)
        own = facts.with_columns(pl.lit(value=True).alias(_IS_OWN))
        both = with_retractions(
            pl.concat([own, others.with_columns(pl.lit(value=False).alias(_IS_OWN))], how="diagonal"), identity
        )
        return both.filter(_IS_OWN).drop(_IS_OWN)

    def facts_of(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The facts in these rows of a table of the lake, without retractions."""
        wanted = self._columns_of(name)
        schema = OUTCOMES.schema(self._project) if name == OUTCOMES.name else table_schemas(self._project)[name]
        declared = {column: dtype for column, dtype in schema.items() if wanted is None or column in wanted}
        own = None if self._columns is None else self._columns[self._fact_table(name)]
        return facts_of(self._project, name, complete_columns(rows, declared), columns=own, as_served=True)

    def _wanted(self, name: str) -> list[str] | None:
        """The columns to read of a table of the lake; None: all."""
        wanted = self._columns_of(name)
        return None if wanted is None else [column for column in self._lake.schema(name) if column in wanted]

    def _columns_of(self, name: str) -> set[str] | None:
        if self._columns is None:
            return None
        own = self._columns[self._fact_table(name)]
        return {*self._identity(name), *(["verdict"] if name == OUTCOMES.name else []), *LOOP_COLUMNS, *own}

    def _fact_table(self, name: str) -> str:
        return self._project.settings.source.table if name == OUTCOMES.name else name

    def _identity(self, name: str) -> list[str]:
        return identity_columns(self._project, name)


def _is_in(file: FileBounds, since: datetime | None, until: datetime | None) -> bool:
    """Whether a file may have a moment in a range."""
    is_before = until is not None and file.least is not None and file.least >= until
    return not is_before and (since is None or file.may_reach(since))
