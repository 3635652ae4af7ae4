"""MLflow's scoring protocol, as `mlflow models serve` speaks it: rows of a data frame, in JSON or CSV.

https://mlflow.org/docs/latest/ml/deployment: columns match by name, and those that no field is named like are dropped.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from importlib.metadata import version as version_of
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput, MlopsError, WrongMedia
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.http.messages import Header, Request, Response, bad_field, decode_body, encode
from mlops_lab.serving.protocols.rows import Row, RowsHandler, refuse_compressed

MISSING = frozenset({"", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None"})
"""What a cell of CSV that is no text holds where its value is missing; of text, only an empty cell does."""
_TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_TRUTHS = {"true": True, "false": False}
_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 409: "RESOURCE_CONFLICT", 503: "TEMPORARILY_UNAVAILABLE"}


class Split(msgspec.Struct, frozen=True):
    """A data frame as pandas writes it with `orient="split"`."""

    columns: list[str]
    data: list[list[Any]]


class MlflowProtocol:
    """POST /invocations, and GET /ping, /health and /version."""

    def __init__(self, doors: Schemas, door: RowsHandler) -> None:
        self._door = door
        self._kinds = {**{field.name: field.kind for field in doors.fields}, "id": "string"}

    async def ping(self, _: Request) -> Response:
        """Alive."""
        return Response(200, b"\n", (_TEXT,))

    async def tell_version(self, _: Request) -> Response:
        """The version of MLflow that is installed."""
        return Response(200, version_of("mlflow").encode(), (_TEXT,))

    async def invoke(self, call: Request) -> Response:
        """The answers to all rows; InvalidInput, and no answer, where one row has none."""
        media = _media_type(call)
        refuse_compressed(call)
        body = await call.body()
        rows = self._read_csv(body) if media == "text/csv" else _read_json(body)
        known = [{name: row[name] for name in self._kinds if name in row} for row in rows]
        records = await self._door.ask(known)
        return Response(200, encode({"predictions": [record.output for record in records]}))

    def _read_csv(self, body: bytes) -> list[Row]:
        try:
            lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"the body is not CSV in UTF-8: {error}", code="invalid_csv", where="$", hint="send a header and rows"
            ) from None
        if not lines:
            raise InvalidInput("the body is empty", code="invalid_csv", where="$", hint="send a header and rows")
        kinds = [self._kinds.get(name) for name in lines[0]]
        rows: list[list[Any]] = []
        for line in filter(None, lines[1:]):
            if len(line) != len(kinds):
                raise InvalidInput(
                    f"{len(line)} cells, and the header has {len(kinds)}",
                    code="invalid_csv",
                    where=f"rows[{len(rows)}]",
                    hint="quote cells that hold a comma",
                )
            rows.append([_parse(cell, kind) for cell, kind in zip(line, kinds, strict=True)])
        return _from_split({"columns": lines[0], "data": rows}, where="$")


def tell_error(error: MlopsError) -> Response:
    """An error as this protocol has it."""
    message = f"{error} (hint: {error.hint})" if error.hint else str(error)
    return Response(error.status, encode({"error_code": _CODES.get(error.status, "BAD_REQUEST"), "message": message}))


def _media_type(call: Request) -> str:
    """ "application/json" or "text/csv"; WrongMedia for others."""
    said = (call.header(b"content-type") or b"application/json").decode("latin-1")
    media, *parameters = (part.strip().lower() for part in said.split(";"))
    if media not in {"application/json", "text/csv"} or not {"charset=utf-8", 'charset="utf-8"'}.issuperset(parameters):
        raise WrongMedia(
            f"{said!r} is not taken",
            code="wrong_content_type",
            where="header content-type",
            hint="send application/json or text/csv, in UTF-8",
        )
    return media


# ---- JSON ------------------------------------------------------------------------------------------------------------


def _read_json(body: bytes) -> list[Row]:
    data = decode_body(_decode, body)
    forms = [name for name in _FORMS if name in data] if isinstance(data, dict) else []
    if len(forms) != 1:
        raise InvalidInput(
            f"{' and '.join(forms) or 'none'} of the fields that hold rows",
            code="invalid_request",
            where="$",
            hint=f"send exactly one of {', '.join(_FORMS)}",
        )
    return _FORMS[forms[0]](data[forms[0]], where=f"$.{forms[0]}")


def _decode(body: bytes) -> Any:
    """JSON; with NaN for null, as MLflow's own client writes a missing number."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        if b"NaN" not in body:
            raise
        try:
            found = json.loads(body, parse_constant={"NaN": None}.__getitem__)
        except (ValueError, KeyError):
            found = None
        if found is None:
            raise
        return msgspec.json.decode(json.dumps(found))  # which is stricter about texts and numbers


def _from_split(data: Any, *, where: str) -> list[Row]:
    split = _convert(data, Split, where)
    if len({*split.columns}) < len(split.columns):
        raise InvalidInput(
            "a column is given twice", code="invalid_request", where=f"{where}.columns", hint="name each column once"
        )
    for place, row in enumerate(split.data):
        if len(row) != len(split.columns):
            raise InvalidInput(
                f"{len(row)} values for {len(split.columns)} columns",
                code="invalid_request",
                where=f"{where}.data[{place}]",
                hint="give each row a value for each column; null where it is missing",
            )
    return [dict(zip(split.columns, row, strict=True)) for row in split.data]


def _from_records(data: Any, *, where: str) -> list[Row]:
    rows: list[Row] = _convert(data, list[Row], where)
    return rows


def _from_either(data: Any, *, where: str) -> list[Row]:
    """Rows with names, or columns with names."""
    found = _convert(data, list[Row] | dict[str, list[Any]], where)
    if isinstance(found, list):
        return found
    lengths = {len(values) for values in found.values()}
    if len(lengths) > 1:
        raise InvalidInput(
            f"columns of {' and '.join(map(str, sorted(lengths)))} values",
            code="invalid_request",
            where=where,
            hint="give each column as many values as there are rows; null where one is missing",
        )
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


_FORMS: Mapping[str, Callable[..., list[Row]]] = {
    "dataframe_split": _from_split,
    "dataframe_records": _from_records,
    "inputs": _from_either,
    "instances": _from_either,
}


def _convert(data: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise bad_field(error, where) from None


# ---- CSV -------------------------------------------------------------------------------------------------------------


def _parse(cell: str, kind: str | None) -> Any:
    """The value of a cell for a field of this kind; where it is none, the text, which the contract refuses."""
    if kind == "string":
        return cell or None
    text = cell.strip()
    if text in MISSING:
        return None
    if kind in {"integer", "float"} and _NUMBER.fullmatch(text):
        return int(text) if kind == "integer" and _WHOLE.fullmatch(text) else float(text)
    return _TRUTHS.get(text.lower(), text) if kind == "boolean" else text
