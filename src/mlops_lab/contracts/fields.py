"""Fields, declared in `mlops.toml` by a type (`string`, `integer`, `float`, `boolean`, `datetime`; `?`: may be null),
or by a type and what its values may be: `{ type = "float?", min = 0 }`.

One declaration makes the door of the server (a msgspec struct), the schema of a table (Polars dtypes) and the rules
that its rows keep (`contracts.rules`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Annotated, Any, Literal

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.errors import InvalidInput
from mlops_lab.project import FieldSection

EARLIEST, LATEST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""What 64 bits of nanoseconds hold: Delta tables are filtered in them."""
CLOCK_SLACK = timedelta(days=1)
_CLOCK_SECONDS = 1.0
"""How long what the clock says is good enough to tell past from future, give or take a day."""
_INT64 = msgspec.Meta(ge=-(2**63), le=2**63 - 1)
_PYTHON: dict[str, Any] = {
    "string": str,
    "integer": Annotated[int, _INT64],
    "float": float,
    "boolean": bool,
    "datetime": Annotated[datetime, msgspec.Meta(tz=True)],
}
DTYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "boolean": pl.Boolean(),
    "datetime": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True)
class Field:
    """One column: its name, its kind, whether it may be null, and what else its values must be.

    `format`: how moments are written in text; None: in ISO 8601.
    """

    name: str
    kind: str
    nullable: bool
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    format: str | None = None

    @property
    def type(self) -> str:
        """The type as it is written."""
        return f"{self.kind}?" if self.nullable else self.kind

    @property
    def dtype(self) -> pl.DataType:
        """The Polars dtype of the column."""
        return DTYPES[self.kind]


def parse_fields(declared: Mapping[str, str | FieldSection], *, where: str) -> tuple[Field, ...]:
    """The fields of a section such as `{"tailnum": "string?"}`; InvalidInput names an unknown type."""
    fields = []
    for name, said in declared.items():
        section = FieldSection(type=said) if isinstance(said, str) else said
        text = section.type
        kind = text.removesuffix("?")
        if kind not in DTYPES:
            raise InvalidInput(
                f'unknown type "{text}"',
                code="bad_config",
                where=f"mlops.toml, key {where}.{name}",
                hint=f"the types are {', '.join(DTYPES)}, each with ? where null is allowed",
            )
        categories = tuple(section.categories or ())
        fields.append(Field(name, kind, text.endswith("?"), section.min, section.max, categories, section.format))
    return tuple(fields)


def types_of(fields: Sequence[Field]) -> dict[str, str]:
    """The fields' types as they are written: what a package keeps of them."""
    return {field.name: field.type for field in fields}


def polars_schema(fields: tuple[Field, ...]) -> dict[str, pl.DataType]:
    """Column name to Polars dtype."""
    return {field.name: field.dtype for field in fields}


def make_struct(
    name: str, fields: tuple[Field, ...], *, past: Sequence[str] = (), strict: bool = True, **extra: Any
) -> type[msgspec.Struct]:
    """A msgspec struct that accepts exactly these fields; `extra` adds optional fields with their types.

    A nullable field may be left out and is then null; a required one may not. With `strict`, values must also keep the
    fields' rules. A moment must lie in the years that a
    table can hold; one named in `past` has happened already, give or take a day of a clock that goes wrong.
    """
    moments = [(field.name, field.name in past) for field in fields if field.kind == "datetime"]
    latest, until = EARLIEST, 0.0

    def check_moments(row: msgspec.Struct) -> None:
        nonlocal latest, until
        if past and monotonic() > until:  # asking the clock takes as long as all the rest
            latest, until = clock.now() + CLOCK_SLACK, monotonic() + _CLOCK_SECONDS
        for name, is_past in moments:
            moment = getattr(row, name)
            if moment is None or EARLIEST < moment < (latest if is_past else LATEST):
                continue
            if not EARLIEST < moment < LATEST:
                raise ValueError(f"`{name}` lies beyond the years {EARLIEST.year} to {LATEST.year}")
            raise ValueError(f"`{name}` lies in the future")

    kinds = {field.name: _annotate(field) if strict else _PYTHON[field.kind] for field in fields}
    required = [(field.name, kinds[field.name]) for field in fields if not field.nullable]
    optional = [(field.name, kinds[field.name] | None, None) for field in fields if field.nullable]
    more = [(key, kind | None, None) for key, kind in extra.items()]
    namespace = {"__post_init__": check_moments} if moments else {}
    return msgspec.defstruct(
        name, [*required, *optional, *more], namespace=namespace, frozen=True, forbid_unknown_fields=True
    )


def _annotate(field: Field) -> Any:
    """The type of a field with its rules, as msgspec checks them."""
    if field.categories:
        return Literal[field.categories]
    if field.min is None and field.max is None:
        return _PYTHON[field.kind]
    if field.kind == "integer":  # a bound between two whole numbers is the next one inwards
        least = -(2**63) if field.min is None else max(math.ceil(field.min), -(2**63))
        most = 2**63 - 1 if field.max is None else min(math.floor(field.max), 2**63 - 1)
        return Annotated[int, msgspec.Meta(ge=least, le=most)]
    return Annotated[float, msgspec.Meta(ge=field.min, le=field.max)]
