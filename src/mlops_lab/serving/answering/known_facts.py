"""The facts that a worker knows: rows of tables and accepted outcomes, which views look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.clock import latest
from mlops_lab.features.online import OnlineStore, make_fact_row
from mlops_lab.features.view import View
from mlops_lab.journal.records import FactRecord, OutcomeRecord
from mlops_lab.project import Project
from mlops_lab.serving.answering.online_store import open_online_store
from mlops_lab.serving.answering.schemas import Schemas

_ROWS_AT_ONCE = 512
"""All rows of a state at once would, as Python objects, take much memory that is never returned."""


class KnownFacts:
    """The facts of a project, in the online store; and the rows of its tables, to recognize one that is sent again."""

    def __init__(self, project: Project, schemas: Schemas, *, views: Sequence[View]) -> None:
        self._source = project.settings.source
        self._schemas = schemas
        self.store: OnlineStore = open_online_store(project, views)
        self.rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in schemas.rows}
        """By table and `Schemas.identity`, the row."""
        self.newest: dict[str, datetime] = {}
        """By table, the moment at which its newest row was known."""

    def load(self, state: Path) -> None:
        """Add the facts of the state that the loop prepared."""
        for path in sorted(state.glob("*.parquet")):
            table = path.stem
            columns = self._schemas.rows[table].__struct_fields__ if table in self._schemas.rows else ()
            for part in pl.read_parquet(path).iter_slices(_ROWS_AT_ONCE):
                rows = part.rows(named=True)
                self.store.add(
                    table, [make_fact_row(row, row["_known_at"], row["_seen_at"], row["_fact_id"]) for row in rows]
                )
                if columns:
                    for row in rows:
                        self._add_row(table, {column: row[column] for column in columns})

    def add_fact(self, fact: FactRecord) -> None:
        """Add a row of a table."""
        column = self._schemas.known_at[fact.table]
        known_at = fact.row[column] if column else None
        self._add_row(fact.table, fact.row)
        name = fact_id(self._schemas.keys[fact.table], fact.row)
        self.store.add(fact.table, [make_fact_row(fact.row, known_at, fact.received_at or known_at, name)])

    def add_outcome(self, record: OutcomeRecord) -> None:
        """Add an accepted outcome together with its request; nothing where the record does not hold its prediction."""
        if record.prediction is None:  # it was read from a state, whose facts hold it
            return
        row = {**record.prediction.request, **record.values, "known_at": record.known_at}
        row[self._source.known_at] = record.known_at
        received_at = record.received_at or record.known_at
        self.store.add(self._source.table, [make_fact_row(row, record.known_at, received_at, record.id)])

    def _add_row(self, table: str, row: dict[str, Any]) -> None:
        self.rows[table][self._schemas.identity(table, row)] = row
        column = self._schemas.known_at[table]
        if column and (newest := latest(self.newest.get(table), row[column])) is not None:
            self.newest[table] = newest


def fact_id(key: Sequence[str], row: Mapping[str, Any]) -> str:
    """The name of a fact among those of the same moment: its key as text."""
    return "\x1f".join(str(row[column]) for column in key)
