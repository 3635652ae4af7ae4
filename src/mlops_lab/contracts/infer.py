"""A contract guessed from data: what holds for all of it, as a start to be edited."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

import polars as pl

from mlops_lab.contracts.fields import DTYPES, Field

MAX_CATEGORIES = 20
ROWS_PER_CATEGORY = 20


def infer_fields(frame: pl.DataFrame) -> tuple[Field, ...]:
    """A field for each column: its type, whether it may be null, its range (rounded outwards), its few values."""
    return tuple(_infer(frame[name]) for name in frame.columns)


def _infer(column: pl.Series) -> Field:
    nullable = column.null_count() > 0
    kind = next((kind for kind, dtype in DTYPES.items() if column.dtype == dtype), "")
    if not kind:
        kind = "integer" if column.dtype.is_integer() else "float" if column.dtype.is_numeric() else "string"
        kind = "datetime" if isinstance(column.dtype, pl.Datetime) else kind
    if kind in {"integer", "float"}:
        least, most = column.min(), column.max()
        if isinstance(least, int | float) and isinstance(most, int | float) and math.isfinite(least + most):
            return Field(column.name, kind, nullable, _outwards(least, -1), _outwards(most, +1))
    if kind == "string":
        values = column.drop_nulls().unique().sort().to_list()
        if 0 < len(values) <= MAX_CATEGORIES and len(column) >= ROWS_PER_CATEGORY * len(values):
            return Field(column.name, kind, nullable, categories=tuple(map(str, values)))
    return Field(column.name, kind, nullable)


def _outwards(value: float, side: int) -> float:
    """The next number beyond `value` with two digits, on that side; 0 for what never crosses it."""
    if value == 0 or (value > 0) != (side > 0):
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return side * math.ceil(abs(value) / step) * step


def write_toml(fields: Sequence[Field]) -> str:
    """The fields as lines of TOML."""
    return "\n".join(f"{write_key(field.name)} = {_write(field)}" for field in fields)


def write_key(name: str) -> str:
    """A key of TOML, quoted where it has to be."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _write(field: Field) -> str:
    parts = [f'type = "{field.type}"']
    if field.min is not None:
        parts.append(f"min = {field.min:g}")
    if field.max is not None:
        parts.append(f"max = {field.max:g}")
    if field.format:
        parts.append(f"format = {json.dumps(field.format, ensure_ascii=False)}")
    if field.categories:
        quoted = ", ".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in field.categories)
        parts.append(f"categories = [{quoted}]")
    return f'"{field.type}"' if len(parts) == 1 else "{ " + ", ".join(parts) + " }"


def compare_fields(declared: Sequence[Field], inferred: Sequence[Field]) -> list[str]:
    """What the contract says otherwise than the data does, in words; empty where nothing."""
    here = {field.name: field for field in declared}
    there = {field.name: field for field in inferred}
    said = [f"{name}: declared, and not in the data" for name in here if name not in there]
    said += [f"{name}: in the data, and not declared" for name in there if name not in here]
    for name in here.keys() & there.keys():
        said += _differences(here[name], there[name])
    return sorted(said)


def _differences(declared: Field, found: Field) -> list[str]:
    name, said = declared.name, []
    if declared.kind != found.kind:
        said.append(f"{name}: declared {declared.kind}, the data holds {found.kind}")
    if found.nullable and not declared.nullable:
        said.append(f"{name}: holds nulls, and may not")
    if declared.min is not None and found.min is not None and found.min < declared.min:
        said.append(f"{name}: from {found.min:g}, below min = {declared.min:g}")
    if declared.max is not None and found.max is not None and found.max > declared.max:
        said.append(f"{name}: up to {found.max:g}, above max = {declared.max:g}")
    if declared.categories and found.categories and (new := set(found.categories) - set(declared.categories)):
        said.append(f"{name}: new categories {', '.join(sorted(new))}")
    return said
