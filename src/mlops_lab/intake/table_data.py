"""The data of one table, as it is checked and loaded: what is declared of the table, and what its data can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.rules import Breach
from mlops_lab.contracts.tables import SetAside
from mlops_lab.errors import InvalidInput
from mlops_lab.intake.changes import ChangeCounts
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.arrival import Arrival
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.fields import outcome_fields, table_fields
from mlops_lab.tables.table import MOMENT


class DeclaredTable(NamedTuple):
    """A table of the project: what its `data` is, its fields, the columns that identify a row, that of the moment at
    which it was known, and that which must not decrease."""

    project: Project
    name: str
    data: str
    fields: tuple[Field, ...]
    key: list[str]
    known_at: str | None
    order: str | None

    @property
    def is_source(self) -> bool:
        """Whether it is the table of the labelled requests."""
        return self.name == self.project.settings.source.table


def declared_tables(project: Project) -> list[DeclaredTable]:
    """The tables that the project has data for; the source comes first."""
    source, fields = project.settings.source, table_fields(project)
    tables = [
        DeclaredTable(project, source.table, source.data, fields[source.table], [source.id], source.known_at, None)
    ]
    for name, section in project.settings.tables.items():
        key = [*section.key, *([section.known_at] if section.known_at else [])]
        order = section.known_at if section.monotone else None
        tables.append(DeclaredTable(project, name, section.data, fields[name], key, section.known_at, order))
    return tables


class TableData(Protocol):
    """The data of a table, whose rows were sorted out: those that keep the contract are good, others are set aside."""

    table: DeclaredTable
    height: int
    """The number of all its rows."""
    made_up: list[str]
    """The columns that the data itself does not have."""

    @property
    def aside_height(self) -> int:
        """The number of rows that are set aside."""

    def breaches(self) -> list[Breach]:
        """What the rows break that are set aside, one of each rule."""

    def aside(self) -> list[SetAside]:
        """The rows that are set aside."""

    def count_later(self) -> int:
        """How many good rows of the source were requested after the moment of the load."""

    def check_order(self) -> None:
        """InvalidInput where the outcome of a good row of the source was known before its request was made."""

    def find_changes(self, lake: Lake) -> ChangeCounts:
        """The changes of the data since it was loaded; of the source's, also against the outcomes that were submitted
        for its ids."""

    def append(self, lake: Lake) -> None:
        """Load the good rows for the first time."""

    def append_changes(self, lake: Lake, received_at: datetime, *, with_corrections: bool) -> bool:
        """Append what `find_changes` found, received at a moment, with what contradicts the lake or without it; whether
        there was any."""


def submitted_outcomes(table: DeclaredTable, lake: Lake, *, made_up: Sequence[str]) -> pl.DataFrame | None:
    """The outcomes that were submitted for the ids of the source; None where there are none, or no such ids."""
    source = table.project.settings.source
    if not table.is_source or source.id in made_up or not OUTCOMES.exists(lake):
        return None
    rows = OUTCOMES.read(lake, columns=["id", "verdict", "known_at", *outcome_names(table)])
    return rows.rename({"id": source.id})


def outcome_names(table: DeclaredTable) -> list[str]:
    """The columns of the source's outcomes."""
    return [field.name for field in outcome_fields(table.project)]


def as_received(rows: pl.DataFrame, received_at: datetime, arrival: Arrival) -> pl.DataFrame:
    """The rows with when they were received, and as what."""
    return rows.with_columns(
        pl.lit(received_at, MOMENT).alias("received_at"), pl.lit(arrival, pl.String).alias("received_as")
    )


def too_early_error(table: DeclaredTable, identity: object, row: int) -> InvalidInput:
    """The error about the outcome of a good row, which was known too early."""
    return InvalidInput(
        f"the outcome of {identity!r} was known before the request was made",
        code="outcome_too_early",
        where=f'table "{table.name}", row {row}, column "{table.project.settings.source.known_at}"',
        hint="give the moment at which the truth became known; nothing was loaded",
    )
