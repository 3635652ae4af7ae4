"""The facts that a worker knows: rows of tables and accepted outcomes, which views look up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.clock import latest
from mlops_lab.contracts.fields import conform_row
from mlops_lab.features.online import OnlineStore, make_fact_row
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

_ROWS_AT_ONCE = 512
"""All rows of a state at once would, as Python objects, take much memory that is never returned."""


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

    def load(self, state: Path, *, is_predicted: Callable[[str], bool]) -> None:
        """Add the facts of the state that the loop prepared. Those of requests that a server of this project answered
        (`is_predicted`) are outcomes, and no rows."""
        newest: list[pl.Series] = []
        for path in sorted(state.glob("*.parquet")):
            table = path.stem
            if table not in self._schemas.table_fields:  # it is not declared any more
                continue
            frame = self._conform(table, pl.read_parquet(path, glob=False)).rechunk()
            newest.append(frame["_known_at"].drop_nulls().top_k(TRUSTED_ROWS).cast(MOMENT))
            self.store.load(table, frame)
            if table == self._source.table:
                self._load_source_rows(frame, is_predicted=is_predicted)
            elif table in self.rows:
                self._load_rows(table, frame)
        self.loaded_until = trusted_of(pl.concat(newest)) if newest else None

    def _load_source_rows(self, frame: pl.DataFrame, *, is_predicted: Callable[[str], bool]) -> None:
        corrected = _count_retractions(frame)
        if OF_OUTCOME in frame.columns:
            frame = frame.filter(~pl.col(OF_OUTCOME).fill_null(value=False))
        for part in _without_retractions(frame).iter_slices(_ROWS_AT_ONCE):  # of versions of one the newest comes last
            rows = [row for row in part.rows(named=True) if not _take(corrected, row["_fact_id"])]
            rows = [row for row in rows if not is_predicted(row["_fact_id"])]
            self._source_rows.add([row["_fact_id"] for row in rows], rows)

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


def _count_retractions(frame: pl.DataFrame) -> Counter[str]:
    """By the id of a fact, how many of its versions were corrected."""
    return Counter(frame.filter(pl.col("_weight") < 0)["_fact_id"] if "_weight" in frame.columns else ())


def _take(counts: Counter[str], name: str) -> bool:
    """Whether there was one left to take."""
    if counts[name] <= 0:
        return False
    counts[name] -= 1
    return True


def fact_id(key: Sequence[str], row: Mapping[str, Any]) -> str:
    """The name of a fact among those of the same moment: its key as text."""
    return "\x1f".join(str(row[column]) for column in key)
