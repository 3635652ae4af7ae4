"""The facts of a training in ranges of when they became known, oldest first: they need not all be in memory at once.

Of a row that was corrected, versions may lie in several ranges: rows of the source table that have later versions are
read first, and are held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from itertools import pairwise

import polars as pl

from mlops_lab.features.in_parts import FactPart
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.arrival import file_delay
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.fact_ranges import FactRanges
from mlops_lab.tables.facts import (
    Known,
    concat_facts,
    identity_of,
    read_known_between,
    with_as_of,
)
from mlops_lab.tables.versions import CORRECTED_AT, GONE, latest_versions
from mlops_lab.training.outcome_delay import assumed_delay, delay_made_up

FACTS_AT_ONCE = 8_000_000
"""A table of more facts is read in parts of about so many."""


def stored_rows(project: Project, lake: Lake, table: str) -> int:
    """How many rows a table has, as its log tells it; of the source table, with the outcomes of answered requests."""
    names = [table, *([OUTCOMES.name] if table == project.settings.source.table else [])]
    return sum(file.rows for name in names if lake.exists(name) for file in lake.files(name).values())


def is_long(project: Project, lake: Lake) -> bool:
    """Whether the history of a project is read in parts: one of its tables has so many facts."""
    tables = [project.settings.source.table, *project.settings.tables]
    return any(stored_rows(project, lake, table) > FACTS_AT_ONCE for table in tables)


class FactParts:
    """Reads what `read_training_facts` reads, the same rows with the same values, in parts of about `facts_at_once`."""

    def __init__(
        self, project: Project, lake: Lake, *, until: datetime | None = None, facts_at_once: int | None = None
    ) -> None:
        self._project, self._lake, self._until = project, lake, until
        self._facts_at_once = facts_at_once or FACTS_AT_ONCE
        self._ranges = FactRanges(project, lake)
        self._source = project.settings.source
        tables = [self._source.table, *project.settings.tables]
        self._delays = {table: file_delay(project, lake, table, until=until) for table in tables}
        self._assumed_delay = assumed_delay(project, lake, until=until)

    def read(self, table: str) -> Iterator[pl.DataFrame]:
        """The facts of a table with all their columns, part by part, each time in the same order; those of the source
        table are the labelled requests (see `read_labelled`)."""
        for known in self._parts([table]):
            facts = self._read(table, known)
            yield with_as_of(self._project, facts) if table == self._source.table else facts

    def for_views(self, columns_by_table: Mapping[str, Collection[str]]) -> Iterator[FactPart]:
        """The facts of these tables with these columns, and those by which views find them."""
        for known in self._parts(columns_by_table):
            yield FactPart(
                known.until,
                {table: self._read(table, known, columns=columns) for table, columns in columns_by_table.items()},
            )

    def _parts(self, tables: Collection[str]) -> Iterator[Known]:
        cuts = {cut for table in tables for cut in self._ranges.cuts(table, rows=self._facts_at_once)}
        yield from (Known(*moments) for moments in pairwise([None, *sorted(cuts), None]))

    def _read(self, table: str, known: Known, *, columns: Collection[str] | None = None) -> pl.DataFrame:
        if table != self._source.table:
            facts = self._read_versions(table, known, columns=columns)
            return latest_versions(facts, identity_of(self._project, table), until=self._until)
        if columns is not None:
            columns = {*columns, self._source.time, self._source.known_at}  # by which outcomes are delayed
        facts = self._read_versions(table, known, columns=columns).drop(CORRECTED_AT, GONE, strict=False)
        if self._corrected is not None:
            corrected = self._corrected.filter(_is_in(known)).select(facts.columns)
            first = facts.join(self._later_ids, on="_fact_id", how="anti", maintain_order="left")
            facts = pl.concat([first, corrected])
        return delay_made_up(self._project, facts, self._assumed_delay)

    def _read_versions(self, table: str, known: Known, *, columns: Collection[str] | None = None) -> pl.DataFrame:
        """The facts of a table in all their versions, as the tables of the lake hold them that `table` is made of."""
        names = [table, *(name for name in self._ranges.stored(table) if name != table)]
        delay = self._delays[table]
        return concat_facts(
            [read_known_between(self._project, self._lake, name, known, delay=delay, columns=columns) for name in names]
        )

    @cached_property
    def _later_ids(self) -> pl.DataFrame:
        """The ids of the rows of the source table that have later versions."""
        later = self._ranges.later_versions(self._source.table)
        return pl.DataFrame(schema={"_fact_id": pl.String}) if later is None else later.select("_fact_id").unique()

    @cached_property
    def _corrected(self) -> pl.DataFrame | None:
        """Of each of these rows the version that counts; None where there are none."""
        if self._later_ids.is_empty():
            return None
        versions = [
            self._read_versions(self._source.table, known).join(self._later_ids, on="_fact_id", how="semi")
            for known in self._parts([self._source.table])
        ]
        ordered = concat_facts(versions).sort(self._source.time, "_fact_id")
        return latest_versions(ordered, ["_fact_id"], until=self._until)


def _is_in(known: Known) -> pl.Expr:
    """Which facts became known in a range."""
    moment, is_in = pl.col("_known_at"), pl.lit(value=True)
    if known.since is not None:
        is_in &= moment >= known.since
    if known.until is not None:
        is_in &= moment < known.until
    return is_in if known.since is not None else is_in | moment.is_null()
