"""The declaration of a table, used wherever the table is read or written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from mlops_lab.contracts.fields import Field, polars_schema
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tasks.make import make_task

__all__ = ["MOMENT", "FixedColumn", "ProjectColumns", "Table"]


@dataclass(frozen=True)
class FixedColumn:
    """A column that the table has in every project. `dtype` None: that of the outputs of the project's task."""

    name: str
    dtype: pl.DataType | None
    meaning: str


@dataclass(frozen=True)
class ProjectColumns:
    """Columns that differ between projects; `fields` None: they are known only when they are written."""

    meaning: str
    fields: Callable[[Project], Sequence[Field]] | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the loop: name, time column, columns, who writes it, and what makes an append happen once. Rows are
    only ever appended."""

    name: str
    meaning: str
    time: str
    written_by: str
    once: str
    columns: tuple[FixedColumn | ProjectColumns, ...]

    def schema(self, project: Project) -> dict[str, pl.DataType]:
        """Names and dtypes of the columns in this project, without those that are known only when they are written."""
        output = make_task(project.task).output_dtype
        schema: dict[str, pl.DataType] = {}
        for column in self.columns:
            if isinstance(column, FixedColumn):
                schema[column.name] = output if column.dtype is None else column.dtype
            elif column.fields is not None:
                schema |= polars_schema(tuple(column.fields(project)))
        return schema

    def project_fields(self, project: Project) -> list[Field]:
        """The fields that the project declares."""
        parts = [
            column.fields(project) for column in self.columns if isinstance(column, ProjectColumns) and column.fields
        ]
        return [field for fields in parts for field in fields]

    @property
    def fixed_columns(self) -> list[str]:
        """Names of the columns that every project has."""
        return [column.name for column in self.columns if isinstance(column, FixedColumn)]

    @property
    def fixed_schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of the columns that are the same in every project."""
        columns = [column for column in self.columns if isinstance(column, FixedColumn)]
        return {column.name: column.dtype for column in columns if column.dtype is not None}

    def exists(self, lake: Lake) -> bool:
        """Whether anything was ever written to it."""
        return lake.exists(self.name)

    def read(
        self,
        lake: Lake,
        *,
        since: datetime | None = None,
        before: datetime | None = None,
        columns: list[str] | None = None,
    ) -> pl.DataFrame:
        """Its rows; those whose time is at or after `since`, and before `before`. NotFound where there is no table
        yet."""
        return lake.read(
            self.name,
            since=(self.time, since) if since else None,
            before=(self.time, before) if before else None,
            columns=columns,
        )

    def append(
        self,
        lake: Lake,
        rows: pl.DataFrame,
        *,
        position: tuple[str, int] | None = None,
        also: Sequence[tuple[str, int]] = (),
    ) -> bool:
        """Append rows in one commit, once for each `position` = (writer, number); True if they were written. `also`:
        further positions to store."""
        return lake.append(self.name, rows, time=self.time, position=position, also=also)

    def position(self, lake: Lake, writer: str) -> int:
        """The number of the writer's last append; 0 before the first."""
        return lake.position(self.name, writer)
