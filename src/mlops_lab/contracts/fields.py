"""Field types, written in `mlops.toml` as `string`, `integer`, `float`, `boolean`, `datetime`; `?`: may be null.

One declaration makes both the door of the server (a msgspec struct) and the schema of a table (Polars dtypes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.errors import InvalidInput

EARLIEST, LATEST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""What 64 bits of nanoseconds hold: Delta tables are filtered in them."""
CLOCK_SLACK = timedelta(days=1)
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
    """One column: its name, its kind and whether it may be null."""

    name: str
    kind: str
    nullable: bool

    @property
    def dtype(self) -> pl.DataType:
        """The Polars dtype of the column."""
        return DTYPES[self.kind]


def parse_fields(declared: Mapping[str, str], *, where: str) -> tuple[Field, ...]:
    """The fields of a section such as `{"tailnum": "string?"}`; InvalidInput names an unknown type."""
    fields = []
    for name, text in declared.items():
        kind = text.removesuffix("?")
        if kind not in DTYPES:
            raise InvalidInput(
                f'unknown type "{text}"',
                code="bad_config",
                where=f"mlops.toml, key {where}.{name}",
                hint=f"the types are {', '.join(DTYPES)}, each with ? where null is allowed",
            )
        fields.append(Field(name, kind, text.endswith("?")))
    return tuple(fields)


def polars_schema(fields: tuple[Field, ...]) -> dict[str, pl.DataType]:
    """Column name to Polars dtype."""
    return {field.name: field.dtype for field in fields}


def make_struct(
    name: str, fields: tuple[Field, ...], *, past: Sequence[str] = (), **extra: Any
) -> type[msgspec.Struct]:
    """A msgspec struct that accepts exactly these fields; `extra` adds optional fields with their types.

    A nullable field may be left out and is then null; a required one may not. A moment must lie in the years that a
    table can hold; one named in `past` has happened already, give or take a day of a clock that goes wrong.
    """
    moments = [field.name for field in fields if field.kind == "datetime"]

    def check_moments(row: msgspec.Struct) -> None:
        for name in moments:
            moment = getattr(row, name)
            if moment is None:
                continue
            if not EARLIEST < moment < LATEST:
                raise ValueError(f"`{name}` lies beyond the years {EARLIEST.year} to {LATEST.year}")
            if name in past and moment > clock.now() + CLOCK_SLACK:
                raise ValueError(f"`{name}` lies in the future")

    required = [(field.name, _PYTHON[field.kind]) for field in fields if not field.nullable]
    optional = [(field.name, _PYTHON[field.kind] | None, None) for field in fields if field.nullable]
    more = [(key, kind | None, None) for key, kind in extra.items()]
    namespace = {"__post_init__": check_moments} if moments else {}
    return msgspec.defstruct(
        name, [*required, *optional, *more], namespace=namespace, frozen=True, forbid_unknown_fields=True
    )
