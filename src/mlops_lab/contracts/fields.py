"""Fields as declared in `mlops.toml`: by a type (`string`, `integer`, `float`, `boolean`, `datetime`; with `?`, null
is allowed), or by a type and its allowed values: `{ type = "float?", min = 0 }`.

One declaration gives the schema of a request (a msgspec struct), the schema of a table (Polars dtypes) and the rules
for its rows (`contracts.rules`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import polars as pl

from mlops_lab.contracts.row_check import RowCheck
from mlops_lab.errors import InvalidInput
from mlops_lab.project import FieldSection
from mlops_lab.schemas.casts import cast_value

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
    """One column: its name, its kind, whether it may be null, and the limits of its values.

    `format`: how moments are written in text; None: ISO 8601. `default`: the value where data, a request or a stored
    row does not have the field at all; None: there is none.
    """

    name: str
    kind: str
    nullable: bool
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    format: str | None = None
    default: Any = None

    @property
    def may_be_omitted(self) -> bool:
        """Whether a row without the field is valid: it is null there, or has its default."""
        return self.nullable or self.default is not None

    @property
    def type(self) -> str:
        """The type as written in `mlops.toml`."""
        return f"{self.kind}?" if self.nullable else self.kind

    @property
    def dtype(self) -> pl.DataType:
        """The Polars dtype of the column."""
        return DTYPES[self.kind]


def parse_fields(declared: Mapping[str, str | FieldSection], *, where: str) -> tuple[Field, ...]:
    """The fields of a section such as `{"tailnum": "string?"}`; InvalidInput names an unknown type."""
    fields = []
    for name, declaration in declared.items():
        section = FieldSection(type=declaration) if isinstance(declaration, str) else declaration
        text = section.type
        kind = text.removesuffix("?")
        if kind not in DTYPES:
            raise InvalidInput(
                f'unknown type "{text}"',
                code="bad_config",
                where=f"mlops.toml, key {where}.{name}",
                hint=f"the types are {', '.join(DTYPES)}, each with ? where null is allowed",
            )
        categories = tuple(text.strip() for text in section.categories or ())  # as the values are read
        limits = section.min, section.max, categories
        default = cast_value(section.default, DTYPES[kind])
        fields.append(Field(name, kind, text.endswith("?"), *limits, section.format, default))
    return tuple(fields)


def conform_row(row: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """A row that was written under another schema, as the fields declare it now: what it lacks is null or has its
    default, what is not declared is left out. InvalidInput where a value does not fit its field."""
    conformed = {}
    for field in fields:
        value = row.get(field.name, field.default)
        try:
            conformed[field.name] = field.default if value is None else cast_value(value, field.dtype)
        except ValueError:
            raise InvalidInput(
                f"{value!r} was accepted before, and is no {field.kind}",
                code="type_changed",
                where=f'field "{field.name}"',
                hint="declare the type that it had, and give values of the new type a field with another name",
            ) from None
    return conformed


def types_of(fields: Sequence[Field]) -> dict[str, str]:
    """The fields' types as written in `mlops.toml`, which is how a package stores them."""
    return {field.name: field.type for field in fields}


def polars_schema(fields: tuple[Field, ...]) -> dict[str, pl.DataType]:
    """Column name to Polars dtype."""
    return {field.name: field.dtype for field in fields}


class RowTypes(NamedTuple):
    """Two structs with the same fields: one whose values are checked by `check`, too, and one to be checked later."""

    checked: type[msgspec.Struct]
    plain: type[msgspec.Struct]
    check: RowCheck


def make_struct(
    name: str, fields: tuple[Field, ...], *, past: Sequence[str] = (), strict: bool = True, **extra: Any
) -> type[msgspec.Struct]:
    """A msgspec struct that accepts exactly these fields; `extra` adds optional fields with their types.

    A nullable field may be omitted and is null then; one with a default has that; another one may not. With `strict`,
    values are also checked against the fields' limits. A moment must be in the years that a table can store. One named
    in `past` must not be in the future, with a day of tolerance for a wrong clock. Text loses the spaces around it, as
    in files.
    """
    return make_row_types(name, fields, past=past, strict=strict, **extra).checked


def make_row_types(
    name: str, fields: tuple[Field, ...], *, past: Sequence[str] = (), strict: bool = True, **extra: Any
) -> RowTypes:
    """As `make_struct`; and what is needed to check many rows at once."""
    texts = [*(field.name for field in fields if field.kind == "string"), *(key for key in extra if extra[key] is str)]
    moments = [field.name for field in fields if field.kind == "datetime"]
    check = RowCheck(texts, moments, past=past)
    kinds = {field.name: _annotate(field) if strict else _PYTHON[field.kind] for field in fields}
    required = [(field.name, kinds[field.name]) for field in fields if not field.may_be_omitted]
    optional = [
        (field.name, kinds[field.name] | None if field.nullable else kinds[field.name], field.default)
        for field in fields
        if field.may_be_omitted
    ]
    more = [(key, kind | None, None) for key, kind in extra.items()]
    columns: list[tuple[str, Any] | tuple[str, Any, Any]] = [*required, *optional, *more]
    # gc=False: what holds only texts, numbers and moments is in no circle
    plain = msgspec.defstruct(name, columns, frozen=True, forbid_unknown_fields=True, gc=False)
    namespace = {"__post_init__": check.apply} if moments or texts else {}
    checked = msgspec.defstruct(name, [], bases=(plain,), namespace=namespace, frozen=True, gc=False)
    return RowTypes(checked, plain, check)


def _annotate(field: Field) -> Any:
    """The type of a field with its limits, in the form that msgspec checks."""
    if field.categories:
        return Literal[field.categories]
    if field.min is None and field.max is None:
        return _PYTHON[field.kind]
    if field.kind == "integer":  # a bound between two integers becomes the next integer inside the range
        least = -(2**63) if field.min is None else max(math.ceil(field.min), -(2**63))
        most = 2**63 - 1 if field.max is None else min(math.floor(field.max), 2**63 - 1)
        return Annotated[int, msgspec.Meta(ge=least, le=most)]
    return Annotated[float, msgspec.Meta(ge=field.min, le=field.max)]
