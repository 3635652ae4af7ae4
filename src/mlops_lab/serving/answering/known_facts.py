"""The facts that a worker knows: rows of tables and accepted outcomes, which views look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.clock import latest, to_micros
from mlops_lab.contracts.fields import conform_row
from mlops_lab.features.online import OnlineStore, make_fact_row
from mlops_lab.features.retractions import has_retractions
from mlops_lab.features.view import View, columns_by_table
from mlops_lab.journal.records import FactRecord, OutcomeRecord
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.schemas.evolution import Column, as_declared
from mlops_lab.serving.answering.online_store import open_online_store
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.source_rows import SourceRows
from mlops_lab.serving.answering.table_rows import TableRows
from mlops_lab.tables.fact_columns import OF_OUTCOME
from mlops_lab.tables.trusted_moments import TRUSTED_ROWS, trusted_of


class KnownFacts:
    """The facts of a project, in the online store; and the rows of its tables, to recognize one that is sent again."""

    def __init__(self, project: Project, schemas: Schemas, *, views: Sequence[View]) -> None:
        self._source = project.settings.source
        self._schemas = schemas
        self.store: OnlineStore = open_online_store(project, views)
        self.rows = {name: TableRows(schemas.identities[name]) for name in schemas.rows if name != self._source.table}
        """By table; without the source table."""
        self._source_rows = SourceRows(project)
        self.newest: dict[str, datetime] = {}
        """By table, the moment at which its newest row was known."""
        self.loaded_until: datetime | None = None
        """The newest moment of the facts that were loaded, as far as it can be trusted."""
        self._view_columns = {table: sorted(columns) for table, columns in columns_by_table(views).items()}

    def load(self, state: Path, *, known_since: Mapping[str, datetime]) -> None:
        """Add the facts of the state that the loop prepared. `known_since`: by table, a moment as of which, and later,
        its facts are looked up."""
        newest: list[pl.Series] = []
        for path in sorted(state.glob("*.parquet")):
            table = path.stem
            if table not in self._schemas.table_fields:  # it is not declared any more
                continue
            frame = self._conform(table, pl.read_parquet(path, glob=False)).rechunk()
            newest.append(frame["_known_at"].drop_nulls().top_k(TRUSTED_ROWS).cast(MOMENT))
            since = known_since.get(table)
            self.store.load(table, frame, since=None if since is None else to_micros(since))
            if table == self._source.table:
                self._load_source_rows(frame)
            elif table in self.rows:
                self._load_rows(table, frame)
        self.loaded_until = trusted_of(pl.concat(newest)) if newest else None

    def _load_source_rows(self, frame: pl.DataFrame) -> None:
        if OF_OUTCOME in frame.columns:
            frame = frame.filter(~pl.col(OF_OUTCOME).fill_null(value=False))
        self._source_rows.load(_without_retractions(_without_gone(frame)))

    def _load_rows(self, table: str, frame: pl.DataFrame) -> None:
        frame = _without_retractions(frame).select(field.name for field in self._schemas.table_fields[table])
        self.rows[table].load(frame)
        column = self._schemas.known_at[table]
        if column and (newest := frame[column].cast(MOMENT).max()) is not None:
            assert isinstance(newest, datetime)
            self.newest[table] = newest

    def _conform(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The facts as they are declared now, also those of a state from before; with all columns that views read."""
        fields = self._schemas.table_fields[table]
        declared = {field.name: Column(field.dtype, field.default) for field in fields}
        frame = as_declared(frame, declared, table=table)
        missing = [name for name in self._view_columns.get(table, ()) if name not in frame.columns]
        return frame.with_columns(pl.lit(None).alias(name) for name in missing)

    def add_fact(self, fact: FactRecord) -> None:
        """Add a row of a table; nothing where the table is not declared any more."""
        if fact.table not in self._schemas.rows:
            return
        row = {**fact.row, **conform_row(fact.row, self._schemas.table_fields[fact.table])}
        column = self._schemas.known_at[fact.table]
        known_at = row[column] if column else None
        name = fact_id(self._schemas.keys[fact.table], row)
        if fact.table == self._source.table:
            self._source_rows.add([name], [row])
        else:
            self._add_row(fact.table, {field.name: row[field.name] for field in self._schemas.table_fields[fact.table]})
        seen_at = fact.received_at or known_at
        if fact.corrected is not None:
            self._add_to_store(fact.table, fact.corrected, (known_at, seen_at), name=name, weight=-1)
        self._add_to_store(fact.table, row, (known_at, seen_at), name=name)

    def is_same(self, table: str, row: Mapping[str, Any]) -> bool | None:
        """Whether the row with the identity of this one has the same values; None where there is no such row."""
        if table == self._source.table:
            return self._source_rows.is_same(row[self._source.id], row)
        known = self.rows[table].get(row)
        return None if known is None else known == row

    def add_outcome(self, record: OutcomeRecord) -> None:
        """Add an accepted outcome together with its request; nothing where the record does not hold its prediction."""
        if record.prediction is None:  # it was read from a state, whose facts hold it
            return
        seen_at = record.received_at or record.known_at
        if record.corrected is not None:
            known_at, values = record.corrected
            self._add_outcome(record, values, (known_at, seen_at), weight=-1)
        self._add_outcome(record, record.values, (record.known_at, seen_at))

    def _add_outcome(
        self, record: OutcomeRecord, values: Mapping[str, Any], times: tuple[datetime, datetime], *, weight: int = 1
    ) -> None:
        assert record.prediction is not None
        row = {**record.prediction.request, **values, self._source.known_at: times[0]}
        self._add_to_store(self._source.table, row, times, name=record.id, weight=weight)

    def _add_to_store(
        self,
        table: str,
        row: Mapping[str, Any],
        times: tuple[datetime | None, datetime | None],
        *,
        name: str,
        weight: int = 1,
    ) -> None:
        """Add a fact to the online store, with all columns that views read; `times`: when it was known, and seen. A
        weight of -1 takes a fact back that was corrected."""
        row = {
            **dict.fromkeys(self._view_columns.get(table, ())),
            **row,
            **conform_row(row, self._schemas.table_fields[table]),
        }
        self.store.add(table, [make_fact_row(row, *times, name, weight=weight)])

    def _add_row(self, table: str, row: dict[str, Any]) -> None:
        self.rows[table].put(row)
        column = self._schemas.known_at[table]
        if column and (newest := latest(self.newest.get(table), row[column])) is not None:
            self.newest[table] = newest


def _without_retractions(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("_weight").fill_null(1) >= 0) if "_weight" in frame.columns else frame


def _without_gone(frame: pl.DataFrame) -> pl.DataFrame:
    """The facts without those of which each version was retracted."""
    return frame.filter(pl.col("_weight").fill_null(1).sum().over("_fact_id") > 0) if has_retractions(frame) else frame


def fact_id(key: Sequence[str], row: Mapping[str, Any]) -> str:
    """The name of a fact among those of the same moment: its key as text."""
    return "\x1f".join(str(row[column]) for column in key)
