"""A contract guessed from data: types and limits that all of its rows keep, as a draft to edit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

import polars as pl

from mlops_lab.contracts.fields import DTYPES, Field

MAX_CATEGORIES = 20
ROWS_PER_CATEGORY = 20
_SMALLEST_STEP = 1e-300


def infer_fields(frame: pl.DataFrame) -> tuple[Field, ...]:
    """A field for each column: its type, whether it may be null, its range (rounded outwards), and categories."""
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
    """The next number with two digits on that side of `value`; 0 where `value` is on the other side of 0."""
    if value == 0 or (value > 0) != (side > 0):
        return 0.0
    step = max(10.0 ** (math.floor(math.log10(abs(value))) - 1), _SMALLEST_STEP)
    steps = math.ceil(abs(value) / step)
    rounded = _as_written(side * steps * step)
    return rounded if side * (rounded - value) >= 0 else _as_written(side * (steps + 1) * step)


def _as_written(number: float) -> float:
    """The number that is read back from what `write_toml` writes."""
    return float(f"{number:g}")


def write_toml(fields: Sequence[Field]) -> str:
    """The fields as lines of TOML."""
    return "\n".join(f"{write_key(field.name)} = {_write(field)}" for field in fields)


def write_key(name: str) -> str:
    """A key as TOML writes it, in quotes where they are needed."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _quote(name)


def _quote(text: str) -> str:
    """The text as a string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")  # JSON allows this character, TOML does not


def _write(field: Field) -> str:
    parts = [f'type = "{field.type}"']
    if field.min is not None:
        parts.append(f"min = {field.min:g}")
    if field.max is not None:
        parts.append(f"max = {field.max:g}")
    if field.format:
        parts.append(f"format = {_quote(field.format)}")
    if field.categories:
        parts.append(f"categories = [{', '.join(map(_quote, field.categories))}]")
    return f'"{field.type}"' if len(parts) == 1 else "{ " + ", ".join(parts) + " }"


def compare_fields(declared: Sequence[Field], inferred: Sequence[Field]) -> list[str]:
    """The differences between the contract and the data, each as a sentence; sorted."""
    in_contract = {field.name: field for field in declared}
    in_data = {field.name: field for field in inferred}
    differences = [f"{name}: declared, but not in the data" for name in in_contract if name not in in_data]
    differences += [f"{name}: in the data, but not declared" for name in in_data if name not in in_contract]
    for name in in_contract.keys() & in_data.keys():
        differences += _differences(in_contract[name], in_data[name])
    return sorted(differences)


def _differences(declared: Field, inferred: Field) -> list[str]:
    name = declared.name
    differences = []
    if declared.kind != inferred.kind:
        differences.append(f"{name}: declared {declared.kind}, the data has {inferred.kind}")
    if inferred.nullable and not declared.nullable:
        differences.append(f"{name}: has nulls, but null is not allowed")
    if declared.min is not None and inferred.min is not None and inferred.min < declared.min:
        differences.append(f"{name}: has {inferred.min:g}, below min = {declared.min:g}")
    if declared.max is not None and inferred.max is not None and inferred.max > declared.max:
        differences.append(f"{name}: has {inferred.max:g}, above max = {declared.max:g}")
    if declared.categories and inferred.categories and (new := set(inferred.categories) - set(declared.categories)):
        differences.append(f"{name}: new categories {', '.join(sorted(new))}")
    return differences
