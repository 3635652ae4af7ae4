"""What features are: request fields, views over tables, and Polars expressions over both.

A definition is data: it is stored in a model's package as JSON and read back without running any project code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import polars as pl

from mlops_lab.clock import parse_duration
from mlops_lab.errors import InvalidInput
from mlops_lab.features.expressions import read_expression, write_expression
from mlops_lab.ids import hash_json

AGGREGATES = ("last", "mean", "sum", "count")


@dataclass(frozen=True)
class Aggregate:
    """One value of a view: how facts are summed up, and over which column."""

    how: str
    column: str


def last(column: str) -> Aggregate:
    """The value of the latest fact, null included."""
    return Aggregate("last", column)


def mean(column: str) -> Aggregate:
    """The mean of the non-null values; null where there are none."""
    return Aggregate("mean", column)


def total(column: str) -> Aggregate:
    """The sum of the non-null values; 0 where there are none."""
    return Aggregate("sum", column)


def count(column: str) -> Aggregate:
    """The number of non-null values."""
    return Aggregate("count", column)


@dataclass(frozen=True)
class View:
    """Values of an entity as known strictly before a moment.

    `by` names the entity in both the request and the table. With `over` ("3h") only facts that became known within
    that time before the moment count; `last` takes the latest fact ever. A fact known at the very moment asked for
    is not seen yet. Among facts of one moment the one with the greatest id is the last.
    """

    name: str
    table: str
    by: str
    values: Mapping[str, Aggregate]
    over: str | None = None

    def __post_init__(self) -> None:
        try:
            if self.over is not None:
                parse_duration(self.over)
        except InvalidInput as error:
            where = f'view "{self.name}", over'
            raise InvalidInput(error.what, code=error.code, where=where, hint=error.hint) from None
        for name, aggregate in self.values.items():
            windowed = aggregate.how != "last"
            if aggregate.how not in AGGREGATES or windowed != (self.over is not None):
                need = 'needs over="3h" or the like' if windowed else "takes no over="
                raise InvalidInput(
                    f"{aggregate.how} {need}",
                    code="bad_view",
                    where=f'view "{self.name}", value "{name}"',
                    hint="`last` looks at the latest fact ever; mean, total and count look at a window",
                )

    @property
    def window(self) -> timedelta | None:
        """The length of the window; None for the latest fact."""
        return parse_duration(self.over) if self.over else None

    def as_dict(self) -> dict[str, Any]:
        """The view as plain JSON data."""
        values = {name: [aggregate.how, aggregate.column] for name, aggregate in self.values.items()}
        return {"name": self.name, "table": self.table, "by": self.by, "over": self.over, "values": values}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> View:
        """The view that `as_dict` described."""
        values = {name: Aggregate(how, column) for name, (how, column) in data["values"].items()}
        return View(data["name"], data["table"], data["by"], values, data["over"])

    @cached_property
    def version(self) -> str:
        """The hash of the definition: the same view by content, whatever project or model it stands in."""
        return hash_json(self.as_dict())[:16]


@dataclass(frozen=True)
class Features:
    """The features of a model: `inputs` lists, in order, what it sees.

    An input is a request field, a value of a view, or a name in `derived`: a Polars expression over request fields
    and view values, evaluated row by row (no aggregates, no Python functions).
    """

    inputs: Sequence[str]
    views: Sequence[View] = ()
    derived: Mapping[str, pl.Expr] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The definition as plain JSON data; InvalidInput where an expression holds a Python function."""
        return {
            "inputs": list(self.inputs),
            "views": [view.as_dict() for view in self.views],
            "derived": {name: write_expression(name, expression) for name, expression in self.derived.items()},
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Features:
        """The definition that `as_dict` described; refuses code, whoever wrote the data."""
        return Features(
            data["inputs"],
            [View.from_dict(view) for view in data["views"]],
            {name: read_expression(name, text) for name, text in data["derived"].items()},
        )

    @cached_property
    def version(self) -> str:
        """The hash of the whole definition."""
        return hash_json(self.as_dict())[:16]

    def view_schema(self, tables: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
        """The dtypes of all view values; InvalidInput names a table or a column that does not exist."""
        schema: dict[str, pl.DataType] = {}
        for view in self.views:
            columns = tables.get(view.table)
            if columns is None:
                raise InvalidInput(
                    f'there is no table "{view.table}"',
                    code="unknown_table",
                    where=f'view "{view.name}"',
                    hint=f"declare it in mlops.toml; known: {', '.join(sorted(tables))}",
                )
            for name, aggregate in view.values.items():
                for column in (view.by, aggregate.column):
                    if column not in columns:
                        raise InvalidInput(
                            f'table "{view.table}" has no column "{column}"',
                            code="unknown_column",
                            where=f'view "{view.name}", value "{name}"',
                            hint=f"it has {', '.join(columns)}",
                        )
                dtype = columns[aggregate.column]
                if aggregate.how in {"mean", "sum"} and not (dtype.is_numeric() or dtype == pl.Boolean):
                    raise InvalidInput(
                        f'{aggregate.how} needs numbers, and "{aggregate.column}" is {dtype}',
                        code="bad_view",
                        where=f'view "{view.name}", value "{name}"',
                        hint="count it, or take its last value",
                    )
                schema[name] = dtype if aggregate.how == "last" else pl.Float64()
        return schema

    def select(self, values: pl.DataFrame) -> pl.DataFrame:
        """The inputs, in order, from a frame of request fields and view values."""
        inputs = [self.derived[name].alias(name) if name in self.derived else pl.col(name) for name in self.inputs]
        if values.height == 1:  # Polars divides one row by a literal, but multiplies several by its reciprocal
            twice = [
                pl.Series(column.name, column.to_list() * 2, dtype=column.dtype) for column in values.iter_columns()
            ]
            return pl.DataFrame(twice).select(inputs).head(1)
        columns = [column.rechunk() for column in values.iter_columns()]  # a chunk of one row counts as one row too,
        return pl.DataFrame(columns).select(inputs)  # and so does, while it stays in its frame, a constant column
