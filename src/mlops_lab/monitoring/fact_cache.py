"""The facts that views look up, kept between two readings of the lake."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.lake import Lake
from mlops_lab.lake.added import Mark
from mlops_lab.lake.damage import DamagedFile, read_readable
from mlops_lab.project import Project
from mlops_lab.schemas.casts import cast_exactly
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import concat_facts, facts_of, identity_of
from mlops_lab.tables.fields import table_schemas
from mlops_lab.tables.versions import with_retractions

_MAX_CHUNKS = 16  # more of them make every read of a table slower


class FactCache:
    """The facts of all tables. Only what was added to the lake is read again."""

    def __init__(self, project: Project, lake: Lake) -> None:
        self._project = project
        self._lake = lake
        self._marks: dict[str, Mark] = {}
        self._facts: dict[str, pl.DataFrame] = {}
        self.damaged: list[DamagedFile] = []

    def read(self) -> dict[str, pl.DataFrame]:
        """The facts of every table, with those that were added since the last time; none of a table that is gone.
        `damaged` then names the files that could not be read.
        """
        self.damaged = []
        try:
            tables = self._add_new()
        except MlopsError:  # a file is damaged, or a value is of another type: what can be read is used, and not kept
            self._marks, self._facts = {}, {}
            tables = self._read_readable()
        source, *others = self._tables()
        own = [tables[table] for table in (source, OUTCOMES.name) if table in tables]
        nothing = {table: self._facts_of(table, pl.DataFrame()) for table in others if table not in tables}
        facts = {**tables, **nothing, source: concat_facts(own) if own else self._facts_of(source, pl.DataFrame())}
        return {
            table: with_retractions(rows, identity_of(self._project, table))
            for table, rows in facts.items()
            if table != OUTCOMES.name
        }

    def _read_readable(self) -> dict[str, pl.DataFrame]:
        tables = {}
        for table in self._stored():
            rows, damaged = read_readable(self._lake, table)
            tables[table] = self._facts_of(table, rows)
            self.damaged += damaged
        return tables

    def _add_new(self) -> dict[str, pl.DataFrame]:
        for table in self._stored():
            added = self._lake.read_added(table, self._marks.get(table))
            rows = list(added.parts)
            if rows or added.is_whole:
                new = self._facts_of(table, pl.concat(rows) if rows else pl.DataFrame())
                facts = new if added.is_whole else concat_facts([self._facts[table], new])
                self._facts[table] = facts.rechunk() if facts.n_chunks() > _MAX_CHUNKS else facts
            self._marks[table] = added.mark
        return self._facts

    def _tables(self) -> list[str]:
        return [self._project.settings.source.table, *self._project.settings.tables]

    def _stored(self) -> list[str]:
        return [table for table in (*self._tables(), OUTCOMES.name) if self._lake.exists(table)]

    def _facts_of(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        schema = OUTCOMES.schema(self._project) if table == OUTCOMES.name else table_schemas(self._project)[table]
        return facts_of(self._project, table, complete_columns(rows, schema), as_served=True)


def complete_columns(rows: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows with all columns of a schema: what is gone is null; what has another type is cast exactly, or null."""
    other = {name: dtype for name, dtype in schema.items() if rows.schema.get(name, dtype) != dtype}
    changed = [cast_exactly(rows[name], dtype)[0] for name, dtype in other.items()]
    gone = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    return rows.with_columns(*changed, *gone)
