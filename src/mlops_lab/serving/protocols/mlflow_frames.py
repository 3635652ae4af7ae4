"""Rows of a data frame, in the forms of JSON and CSV that MLflow's scoring protocol and those of clouds have."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.serving.http.messages import bad_field, decode_body, take_nan
from mlops_lab.serving.protocols.rows import Row

MISSING = frozenset({"", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None"})
"""The cells of CSV that stand for a missing value, except in fields of text: there, only an empty cell does."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_MAX_SHOWN = 80
Forms = Mapping[str, Callable[..., list[Row]]]
"""By the field of a body that holds rows, what reads them."""
_BOOLEANS = {"true": True, "false": False}


class SplitFrame(msgspec.Struct, frozen=True):
    """A data frame as pandas writes it with `orient="split"`."""

    columns: list[str]
    data: list[list[Any]]


# ---- JSON ------------------------------------------------------------------------------------------------------------


def read_json_frame(body: bytes, forms: Forms) -> list[Row]:
    """The rows of a body in JSON, which are in one of its fields, each of which has a form of its own."""
    data = decode_body(_decode, body)
    given = [name for name in forms if name in data] if isinstance(data, dict) else []
    if len(given) != 1:
        raise InvalidInput(
            f"{' and '.join(given) or 'none'} of the fields that hold rows",
            code="invalid_request",
            where="$",
            hint=f"send {'exactly one of ' if len(forms) > 1 else ''}{', '.join(forms)}",
        )
    return forms[given[0]](data[given[0]], where=f"$.{given[0]}")


_decode = take_nan(msgspec.json.decode)


def _from_split(data: Any, *, where: str) -> list[Row]:
    split = _convert(data, SplitFrame, where)
    if len({*split.columns}) < len(split.columns):
        raise InvalidInput(
            "a column is given twice", code="invalid_request", where=f"{where}.columns", hint="name each column once"
        )
    for index, row in enumerate(split.data):
        if len(row) != len(split.columns):
            raise InvalidInput(
                f"{len(row)} values for {len(split.columns)} columns",
                code="invalid_request",
                where=f"{where}.data[{index}]",
                hint="give each row a value for each column; null where it is missing",
            )
    return [dict(zip(split.columns, row, strict=True)) for row in split.data]


def _from_records(data: Any, *, where: str) -> list[Row]:
    rows: list[Row] = _convert(data, list[Row], where)
    return rows


def _from_rows_or_columns(data: Any, *, where: str) -> list[Row]:
    """Rows with names, or columns with names."""
    frame = _convert(data, list[Row] | dict[str, list[Any]], where)
    if isinstance(frame, list):
        return frame
    lengths = {len(values) for values in frame.values()}
    if len(lengths) > 1:
        raise InvalidInput(
            f"columns of {' and '.join(map(str, sorted(lengths)))} values",
            code="invalid_request",
            where=where,
            hint="give each column as many values as there are rows; null where one is missing",
        )
    return [dict(zip(frame, values, strict=True)) for values in zip(*frame.values(), strict=True)]


def _from_any(data: Any, *, where: str) -> list[Row]:
    """Rows with names, columns with names, or a frame that is split."""
    is_split = isinstance(data, dict) and {"columns", "data"} <= data.keys() <= {"columns", "data", "index"}
    return (_from_split if is_split else _from_rows_or_columns)(data, where=where)


MLFLOW_FORMS: Forms = {
    "dataframe_split": _from_split,
    "dataframe_records": _from_records,
    "inputs": _from_rows_or_columns,
    "instances": _from_rows_or_columns,
}
VERTEX_FORMS: Forms = {"instances": _from_records}
AZURE_FORMS: Forms = {"input_data": _from_any, "data": _from_records}


def _convert(data: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise bad_field(error, where) from None


# ---- CSV -------------------------------------------------------------------------------------------------------------


def read_csv_frame(body: bytes, kinds: Mapping[str, str]) -> list[Row]:
    """The rows of a body in CSV with a header. `kinds` are those of the fields, by name."""
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"the body is not CSV in UTF-8: {error}", code="invalid_csv", where="$", hint="send a header and rows"
        ) from None
    if not lines:
        raise InvalidInput("the body is empty", code="invalid_csv", where="$", hint="send a header and rows")
    header = lines[0]
    if not set(header) & set(kinds):
        raise InvalidInput(
            f"its first line names no field: {', '.join(header)[:_MAX_SHOWN]!r}",
            code="invalid_csv",
            where="line 1",
            hint=f"begin with the names of the columns, separated by commas; the fields are {', '.join(kinds)}",
        )
    column_kinds = [kinds.get(name) for name in header]
    rows: list[list[Any]] = []
    for cells in filter(None, lines[1:]):
        if len(cells) != len(header):
            raise InvalidInput(
                f"{len(cells)} cells, and the header has {len(header)}",
                code="invalid_csv",
                where=f"rows[{len(rows)}]",
                hint="quote cells that hold a comma",
            )
        rows.append([parse_cell(cell, kind) for cell, kind in zip(cells, column_kinds, strict=True)])
    return _from_split({"columns": header, "data": rows}, where="$")


def parse_cell(cell: str, kind: str | None) -> Any:
    """The value of a cell for a field of this kind. Where it has none, the text: the contract refuses it."""
    if kind == "string":
        return cell or None
    text = cell.strip()
    if text in MISSING:
        return None
    if kind in {"integer", "float"} and _NUMBER.fullmatch(text):
        return int(text) if kind == "integer" and _INTEGER.fullmatch(text) else float(text)
    return _BOOLEANS.get(text.lower(), text) if kind == "boolean" else text
