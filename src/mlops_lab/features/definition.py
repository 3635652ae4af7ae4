"""What features are: request fields, views over tables, and Polars expressions over both.

A definition is data: it is stored in a model's package as JSON and read back without running any project code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

import polars as pl

from mlops_lab.clock import parse_duration
from mlops_lab.errors import InvalidInput
from mlops_lab.features.expressions import read_expression, settle_literals, write_expression
from mlops_lab.ids import hash_json

AGGREGATES = ("last", "count", "sum", "mean", "std", "min", "max", "share")
Scalar = str | int | float | bool | None
_AS_WRITTEN = pl.QueryOptFlags.none()


@dataclass(frozen=True)
class Aggregate:
    """One value of a view: how facts are summed up, over which column; `of`: the value whose share is taken."""

    how: str
    column: str
    of: Scalar = None


def last(column: str) -> Aggregate:
    """The value of the latest fact, null included."""
    return Aggregate("last", column)


def count(column: str) -> Aggregate:
    """The number of non-null values."""
    return Aggregate("count", column)


def total(column: str) -> Aggregate:
    """The sum of the non-null values; 0 where there are none."""
    return Aggregate("sum", column)


def mean(column: str) -> Aggregate:
    """The mean of the non-null values; undefined where there are none."""
    return Aggregate("mean", column)


def std(column: str) -> Aggregate:
    """The sample standard deviation of the non-null values; undefined where there are fewer than two."""
    return Aggregate("std", column)


def smallest(column: str) -> Aggregate:
    """The least of the non-null values; undefined where there are none."""
    return Aggregate("min", column)


def largest(column: str) -> Aggregate:
    """The greatest of the non-null values; undefined where there are none."""
    return Aggregate("max", column)


def share(column: str, of: Scalar = True) -> Aggregate:
    """The share of the non-null values that equal `of`; undefined where there are none."""
    return Aggregate("share", column, of)


Missing = Literal["null", "refuse"] | Mapping[str, Scalar]
"""What a view says of an entity it knows nothing of: nulls, nothing at all, or these values (null for the others)."""


@dataclass(frozen=True, eq=False)
class View:
    """Values of an entity as known strictly before a moment.

    `by` names the entity's key: a column, several, or a mapping of request fields to columns of the table
    (`by={"dest": "airport"}`). A fact has two times: when the world knew it (`known_at`) and when it reached us. It is
    seen from the later of the two, and not yet at that very moment.

    With `over` ("3h") those facts count that are seen and were known within that time before the moment; a fact that
    reaches us later than that never counts. Without, `last` takes the latest fact ever: of those that are seen, the
    one known last, and among facts of one moment the one with the greatest id. With `ttl` ("2h") a latest fact known
    longer ago than that is stale, and as good as none.

    `missing` says what the view's values are where there is no such fact: the request has no key, the entity is
    unknown, its latest fact is stale, its window holds nothing to take the value from, or the store does not answer.
    A null that a fact itself holds is a value like any other.
    """

    name: str
    table: str
    by: str | Sequence[str] | Mapping[str, str]
    values: Mapping[str, Aggregate]
    over: str | None = None
    ttl: str | None = None
    missing: Missing = "null"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(self.version)

    def __post_init__(self) -> None:
        for option, text in (("over", self.over), ("ttl", self.ttl)):
            try:
                if text is not None:
                    parse_duration(text)
            except InvalidInput as error:
                where = f'view "{self.name}", {option}'
                raise InvalidInput(error.what, code=error.code, where=where, hint=error.hint) from None
        if not self.keys or not self.values:
            raise self._wrong("names no key or no value", "by= and values= say what it is about")
        if self.ttl is not None and self.over is not None:
            raise self._wrong("has both ttl= and over=", "a window forgets by itself: leave ttl= out")
        for name, aggregate in self.values.items():
            windowed = aggregate.how != "last"
            if aggregate.how not in AGGREGATES or windowed != (self.over is not None):
                need = 'needs over="3h" or the like' if windowed else "takes no over="
                hint = "`last` looks at the latest fact ever; the other aggregates look at a window"
                raise self._wrong(f"{aggregate.how} {need}", hint, value=name)
        if isinstance(self.missing, str):
            if self.missing not in ("null", "refuse"):
                raise self._wrong(f'missing="{self.missing}"', 'write "null", "refuse" or {"value": default}')
        else:
            for name in self.missing:
                if name not in self.values:
                    raise self._wrong(f'missing= names "{name}"', f"its values are {', '.join(self.values)}")

    def _wrong(self, what: str, hint: str, *, value: str | None = None) -> InvalidInput:
        where = f'view "{self.name}"' + (f', value "{value}"' if value else "")
        return InvalidInput(what, code="bad_view", where=where, hint=hint)

    @cached_property
    def keys(self) -> dict[str, str]:
        """The column of the table that each request field of the key is looked up in."""
        if isinstance(self.by, str):
            return {self.by: self.by}
        return dict(self.by) if isinstance(self.by, Mapping) else {name: name for name in self.by}

    @cached_property
    def window(self) -> timedelta | None:
        """The length of the window; None for the latest fact."""
        return parse_duration(self.over) if self.over else None

    @cached_property
    def stale_after(self) -> timedelta | None:
        """The age at which a latest fact is stale; None: never."""
        return parse_duration(self.ttl) if self.ttl else None

    @property
    def refuses(self) -> bool:
        """Whether a request without a fact is refused rather than answered with defaults."""
        return self.missing == "refuse"

    @cached_property
    def defaults(self) -> tuple[Scalar, ...]:
        """What each value is where there is no fact for it."""
        given = {} if isinstance(self.missing, str) else self.missing
        return tuple(given.get(name) for name in self.values)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that it looks at, the key's first; each once."""
        return tuple(dict.fromkeys([*self.keys.values(), *(a.column for a in self.values.values())]))

    def as_dict(self) -> dict[str, Any]:
        """The view as plain JSON data."""
        return {
            "name": self.name,
            "table": self.table,
            "by": [list(pair) for pair in self.keys.items()],
            "values": {name: [how.how, how.column, how.of] for name, how in self.values.items()},
            "over": self.over,
            "ttl": self.ttl,
            "missing": self.missing if isinstance(self.missing, str) else dict(self.missing),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> View:
        """The view that `as_dict` described."""
        values = {name: Aggregate(*aggregate) for name, aggregate in data["values"].items()}
        return View(data["name"], data["table"], dict(data["by"]), values, data["over"], data["ttl"], data["missing"])

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
        """The dtypes of all view values; InvalidInput names a table, a column or a default that does not fit."""
        schema: dict[str, pl.DataType] = {}
        for view in self.views:
            found = _value_types(view, tables)
            if twice := sorted(found.keys() & schema.keys()):
                raise _misfit(f'another view has a value "{twice[0]}" too', view, twice[0], "give each its own name")
            schema |= found
        return schema

    def select(self, values: pl.DataFrame) -> pl.DataFrame:
        """The inputs, in order, from a frame of request fields and view values."""
        derived = self.derive([values[name] for name in self.roots], rows=values.height)
        return pl.DataFrame([derived[name] if name in self.derived else values[name] for name in self.inputs])

    def derive(self, columns: Sequence[pl.Series], *, rows: int) -> pl.DataFrame:
        """The derived features among the inputs, from the columns named in `roots`; a row each.

        Training and serving both come here, and a row's values depend on that row alone: see `settle_literals`.
        """
        expressions, numbers = self._settled
        if not expressions:
            return pl.DataFrame()
        if rows == 1:  # a column of one row is as good as a number to Polars
            columns = [pl.concat([column, column]) for column in columns]
        frame = [column.rechunk() for column in columns]  # so is a chunk of one row
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
    def _settled(self) -> tuple[list[pl.Expr], dict[str, int | float]]:
        settled = {name: settle_literals(self.derived[name]) for name in self.inputs if name in self.derived}
        numbers = {column: number for _, found in settled.values() for column, number in found.items()}
        return [expression.alias(name) for name, (expression, _) in settled.items()], numbers


def _value_types(view: View, tables: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
    columns = tables.get(view.table)
    if columns is None:
        raise InvalidInput(
            f'there is no table "{view.table}"',
            code="unknown_table",
            where=f'view "{view.name}"',
            hint=f"declare it in mlops.toml; known: {', '.join(sorted(tables))}",
        )
    types: dict[str, pl.DataType] = {}
    for name, aggregate in view.values.items():
        for column in (*view.keys.values(), aggregate.column):
            if column not in columns:
                raise InvalidInput(
                    f'table "{view.table}" has no column "{column}"',
                    code="unknown_column",
                    where=f'view "{view.name}", value "{name}"',
                    hint=f"it has {', '.join(columns)}",
                )
        dtype = columns[aggregate.column]
        number = dtype.is_numeric() or dtype == pl.Boolean
        if (aggregate.how in {"sum", "mean", "std"} and not number) or (
            aggregate.how in {"min", "max"} and not dtype.is_numeric() and not dtype.is_temporal()
        ):
            what = f'{aggregate.how} needs numbers, and "{aggregate.column}" is {dtype}'
            raise _misfit(what, view, name, "count it, or take its last value")
        types[name] = dtype if aggregate.how in {"last", "min", "max"} else pl.Float64()
        _check_fits(aggregate.of, dtype, view, name, "of=")
    for name, default in zip(view.values, view.defaults, strict=True):
        _check_fits(default, types[name], view, name, "missing=")
    return types


def columns_by_table(views: Iterable[View]) -> dict[str, set[str]]:
    """The columns that these views look up, by table."""
    found: dict[str, set[str]] = {}
    for view in views:
        found.setdefault(view.table, set()).update(view.columns)
    return found


def _check_fits(value: Scalar, dtype: pl.DataType, view: View, name: str, option: str) -> None:
    kinds: type | tuple[type, ...] = str
    if dtype == pl.Boolean:
        kinds = bool
    elif dtype.is_numeric():
        kinds = int if dtype.is_integer() else (int, float)
    fits = isinstance(value, kinds) and isinstance(value, bool) == (dtype == pl.Boolean)
    if value is not None and not fits:
        raise _misfit(f"{option}{value!r} does not fit {dtype}", view, name, "give it the type of its column")


def _misfit(what: str, view: View, value: str, hint: str) -> InvalidInput:
    return InvalidInput(what, code="bad_view", where=f'view "{view.name}", value "{value}"', hint=hint)
