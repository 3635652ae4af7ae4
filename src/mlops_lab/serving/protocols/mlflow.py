"""MLflow's scoring protocol, as `mlflow models serve` speaks it: rows of a data frame, in JSON or CSV.

https://mlflow.org/docs/latest/ml/deployment: columns match by name, and columns that are no field are dropped.
"""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Any

import msgspec

from mlops_lab.errors import MlopsError, WrongMedia
from mlops_lab.serving.http.messages import Header, Request, Response, encode
from mlops_lab.serving.protocols.base import Handler, HttpRoute, Json, Protocol, ProtocolContext
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.mlflow_frames import MLFLOW_FORMS, read_csv_frame, read_json_frame
from mlops_lab.serving.protocols.operations import BODY_ERRORS, describe_get, describe_post, ref

_TAG = "MLflow"
_TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
_ERROR_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 409: "RESOURCE_CONFLICT", 503: "TEMPORARILY_UNAVAILABLE"}


class Predictions(msgspec.Struct):
    """For each row a probability or a number, or the probabilities of all classes."""

    predictions: list[float | list[float]]


class ScoringError(msgspec.Struct):
    """An error."""

    error_code: str
    message: str


def make_mlflow(context: ProtocolContext) -> Protocol:
    """The protocol: predictions, and the URLs at which platforms ask whether the server is alive."""
    handler = MlflowHandler(context)
    return Protocol(
        name="mlflow",
        tags={_TAG: "As `mlflow models serve` answers it."},
        routes=[
            HttpRoute(
                method="POST",
                pattern="/invocations",
                handler=handler.invoke,
                role="predict",
                describe=describe_invocations,
            ),
            _read("/ping", handler.ping, "Alive, as the load balancers of platforms ask"),
            _read("/health", handler.ping, "Alive, under another name"),
            _read("/version", handler.get_version, "The version of MLflow"),
        ],
        error_response=scoring_error,
        error_paths=["/invocations"],
        schemas=[Predictions, ScoringError],
    )


def _read(path: str, handler: Handler, summary: str) -> HttpRoute:
    """A route that anybody may read."""
    item = describe_get(_TAG, summary, {"type": "string"}, media="text/plain")
    return HttpRoute(method="GET", pattern=path, handler=handler, role=None, describe=lambda _: {path: item})


class MlflowHandler:
    """POST /invocations, and GET /ping, /health and /version."""

    def __init__(self, context: ProtocolContext) -> None:
        self._rows = context.rows
        self._kinds = {**{field.name: field.kind for field in context.service.schemas.fields}, "id": "string"}

    async def ping(self, _: Request) -> Response:
        """The server is alive."""
        return Response(200, b"\n", (_TEXT,))

    async def get_version(self, _: Request) -> Response:
        """The version of MLflow that is installed."""
        return Response(200, version_of("mlflow").encode(), (_TEXT,))

    async def invoke(self, request: Request) -> Response:
        """The answers to all rows. InvalidInput where one row has no answer; then none is written down."""
        media = _media_type(request)
        body = await request.body()
        rows = read_csv_frame(body, self._kinds) if media == "text/csv" else read_json_frame(body, MLFLOW_FORMS)
        known = [{name: row[name] for name in self._kinds if name in row} for row in rows]
        records = await self._rows.answer(known)
        return Response(200, encode({"predictions": [record.output for record in records]}))


def _media_type(request: Request) -> str:
    """ "application/json" or "text/csv"; WrongMedia for others."""
    header = (request.header(b"content-type") or b"application/json").decode("latin-1")
    media, *parameters = (part.strip().lower() for part in header.split(";"))
    if media not in {"application/json", "text/csv"} or not {"charset=utf-8", 'charset="utf-8"'}.issuperset(parameters):
        raise WrongMedia(
            f"{header!r} is not supported",
            code="wrong_content_type",
            where="header content-type",
            hint="send application/json or text/csv, in UTF-8",
        )
    return media


def scoring_error(error: MlopsError, request_id: str) -> Response:
    """An error in the form of this protocol."""
    del request_id  # it is in the header
    message = f"{error} (hint: {error.hint})" if error.hint else str(error)
    code = _ERROR_CODES.get(error.status, "BAD_REQUEST")
    return Response(error.status, encode({"error_code": code, "message": message}))


# ---- OpenAPI ---------------------------------------------------------------------------------------------------------


def describe_invocations(examples: Examples) -> Json:
    """The path item of POST /invocations."""
    rows = {"type": "array", "items": {"type": "object"}}
    columns = {"type": "object", "additionalProperties": {"type": "array"}}
    split = {
        "type": "object",
        "properties": {"columns": {"type": "array", "items": {"type": "string"}}, "data": {"type": "array"}},
        "required": ["columns", "data"],
    }
    forms = {
        "dataframe_split": split,
        "dataframe_records": rows,
        "inputs": {"anyOf": [rows, columns]},
        "instances": {"anyOf": [rows, columns]},
    }
    one_of = [{"type": "object", "properties": {name: form}, "required": [name]} for name, form in forms.items()]
    item = describe_post(
        _TAG,
        "Predictions",
        "Exactly one of the fields that hold rows; `params` is ignored, and so are columns that are no field of a "
        "request. One row without an answer refuses all.",
        body={"oneOf": one_of},
        examples=_example_frames(examples.request),
        response=ref("Predictions"),
        errors=(*BODY_ERRORS, 409, 503),
        error="ScoringError",
    )
    content = item["post"]["requestBody"]["content"]
    content["text/csv"] = {"schema": {"type": "string"}, "examples": {"one": {"value": _example_csv(examples.request)}}}
    return {"/invocations": item}


def _example_frames(row: Json) -> Json:
    columns = {name: [value] for name, value in row.items()}
    return {
        "dataframe_split": {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}},
        "dataframe_records": {"dataframe_records": [row]},
        "inputs": {"inputs": columns},
        "instances": {"instances": [row]},
    }


def _example_csv(row: dict[str, Any]) -> str:
    cells = [str(value).lower() if isinstance(value, bool) else str(value) for value in row.values()]
    return "\n".join([",".join(row), ",".join(cells)]) + "\n"
