"""The definition of features: request fields, views over tables, and Polars expressions over both.

A definition is data: it is stored in a model's package as JSON and read back without running any project code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from mlops_lab.features.expressions import literals_to_columns, read_expression, write_expression
from mlops_lab.features.value_types import misfit_error, value_types
from mlops_lab.features.view import View
from mlops_lab.ids import hash_json

_AS_WRITTEN = pl.QueryOptFlags.none()


@dataclass(frozen=True)
class Features:
    """The features of a model: `inputs` lists its input columns in order.

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
        """The definition from the data that `as_dict` returned. Data with code in it is refused."""
        return Features(
            data["inputs"],
            [View.from_dict(view) for view in data["views"]],
            {name: read_expression(name, text) for name, text in data["derived"].items()},
        )

    @cached_property
    def computed(self) -> frozenset[str]:
        """The names of all values of views and of all derived features."""
        return frozenset([*self.derived, *(name for view in self.views for name in view.values)])

    @cached_property
    def version(self) -> str:
        """The hash of the whole definition."""
        return hash_json(self.as_dict())[:16]

    def view_schema(self, tables: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
        """The dtypes of all view values; InvalidInput names a table, a column or a default that does not fit."""
        schema: dict[str, pl.DataType] = {}
        for view in self.views:
            types = value_types(view, tables)
            if repeated := sorted(types.keys() & schema.keys()):
                what = f'another view has a value "{repeated[0]}" too'
                raise misfit_error(what, view, repeated[0], "give each value a different name")
            schema |= types
        return schema

    def select(self, values: pl.DataFrame) -> pl.DataFrame:
        """The inputs, in order, from a frame of request fields and view values."""
        derived = self.derive([values[name] for name in self.roots], rows=values.height)
        return pl.DataFrame([derived[name] if name in self.derived else values[name] for name in self.inputs])

    def derive(self, columns: Sequence[pl.Series], *, rows: int) -> pl.DataFrame:
        """The derived features among the inputs, computed row by row from the columns named in `roots`.

        Training and serving both use this. A row's values depend on that row alone: see `literals_to_columns`.
        """
        expressions, numbers = self._expressions
        if not expressions:
            return pl.DataFrame()
        if rows == 1:  # Polars treats a column of one row like a literal number
            columns = [pl.concat([column, column]) for column in columns]
        frame = [column.rechunk() for column in columns]  # and a chunk of one row too
        height = 2 if rows == 1 else rows
        frame += [pl.Series(name, [number] * height) for name, number in numbers.items()]
        # the in-memory engine starts in 0.03 ms, the streaming one, made for large frames, in 0.14 ms
        lazy = (pl.DataFrame(frame) if len(frame) > 1 else frame[0].to_frame()).lazy().select_seq(expressions)
        derived = lazy.collect(engine="in-memory", optimizations=_AS_WRITTEN)
        return derived if height == rows else derived.head(rows)

    @cached_property
    def roots(self) -> list[str]:
        """The request fields and view values that derived features are computed from."""
        expressions = [self.derived[name] for name in self.inputs if name in self.derived]
        return sorted({root for expression in expressions for root in expression.meta.root_names()})

    @cached_property
    def _expressions(self) -> tuple[list[pl.Expr], dict[str, int | float]]:
        """The derived features as expressions without literal numbers, and the columns that hold those numbers."""
        rewritten = {name: literals_to_columns(self.derived[name]) for name in self.inputs if name in self.derived}
        numbers = {column: number for _, columns in rewritten.values() for column, number in columns.items()}
        return [expression.alias(name) for name, (expression, _) in rewritten.items()], numbers
