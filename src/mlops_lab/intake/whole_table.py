"""The data of a table whose rows are in memory until they are loaded."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from mlops_lab.contracts.parse import parse_column
from mlops_lab.contracts.rules import Breach
from mlops_lab.contracts.tables import SetAside, breaches_of, sort_out
from mlops_lab.intake.changes import ChangeCounts, TableChanges, find_changes, without_submitted
from mlops_lab.intake.complete import complete_source
from mlops_lab.intake.read import read_table
from mlops_lab.intake.table_data import (
    DeclaredTable,
    as_received,
    outcome_names,
    submitted_outcomes,
    too_early_error,
)
from mlops_lab.lake import Lake
from mlops_lab.tables.arrival import Arrival


class WholeTable:
    """See `TableData`."""

    def __init__(self, table: DeclaredTable, *, now: datetime) -> None:
        frame = read_table(table.project, table.name)
        self.table, self.height, self._now = table, frame.height, now
        self.made_up = [field.name for field in table.fields if field.name not in frame.columns]
        if table.is_source:
            frame = complete_source(table.project, frame, now=now)
        self._rows, self._aside = sort_out(frame, table.fields, table=table.name, key=table.key, order=table.order)
        self._keys = pl.DataFrame(
            [parse_column(frame[field.name], field, table.name) for field in table.fields if field.name in table.key]
        )
        self._changes: TableChanges | None = None

    @property
    def aside_height(self) -> int:
        """The number of rows that are set aside."""
        return len(self._aside)

    def breaches(self) -> list[Breach]:
        """What the rows break that are set aside."""
        return breaches_of(self.table.name, self._aside)

    def aside(self) -> list[SetAside]:
        """The rows that are set aside."""
        return self._aside

    def count_later(self) -> int:
        """How many good rows were requested after the moment of the load."""
        return int((self._rows[self.table.project.settings.source.time] > self._now).sum())

    def check_order(self) -> None:
        """InvalidInput where an outcome was known before its request was made."""
        source = self.table.project.settings.source
        early = self._rows[source.known_at] < self._rows[source.time]
        if early.any():
            row = int(early.arg_max() or 0)
            raise too_early_error(self.table, self._rows[source.id][row], row)

    def find_changes(self, lake: Lake) -> ChangeCounts:
        """The changes of the data since it was loaded."""
        key, name = self.table.key, self.table.name
        changes = find_changes(lake, name, self._rows, key=key, present=self._keys, ignored=self.made_up)
        outcomes = submitted_outcomes(self.table, lake, made_up=self.made_up)
        if outcomes is not None:
            changes = without_submitted(changes, outcomes, key=key[0], compared=outcome_names(self.table))
        self._changes = changes
        return changes.counts

    def append(self, lake: Lake) -> None:
        """Load the good rows for the first time."""
        lake.append(self.table.name, self._rows, time=self.table.known_at)

    def append_changes(self, lake: Lake, received_at: datetime, *, with_corrections: bool) -> bool:
        """Append what `find_changes` found; whether there was any."""
        changes = self._changes
        assert changes is not None, "the changes are found first"
        parts = [(changes.added, Arrival.FILE), (changes.filled, Arrival.FILLED)]
        parts += [(changes.changed, Arrival.CORRECTION), (changes.gone, Arrival.GONE)] if with_corrections else []
        received = [as_received(rows, received_at, arrival) for rows, arrival in parts if rows.height]
        if received:
            lake.append(self.table.name, pl.concat(received, how="diagonal"), time=self.table.known_at)
        return bool(received)
