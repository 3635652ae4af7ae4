"""What a server of a project takes and answers, as an OpenAPI 3.1 document: made from its contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from mlops_lab import clock
from mlops_lab.contracts.fields import Field, parse_fields
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.tokens import needs_token_to_predict
from mlops_lab.serving.protocols import open_inference
from mlops_lab.serving.protocols.native import Answer
from mlops_lab.tables.fields import submitted_fields

Json = dict[str, Any]

TOKEN: list[Json] = [{"token": []}]
_ABOUT = """\
Ask for predictions, tell what became of them, see what is live. Whatever is tried here is answered and written down
like any other request. A request with another method than those listed gets 405.
"""
_TOKEN = "One that `mlops token create` made, or that in `.mlops/token`."
_TAGS = {
    "Predictions": "One request or many, in the server's own JSON.",
    "What happened": "Outcomes of predictions, and facts for features. These need a token that may `operate`.",
    "Server": "What is live, and how it is.",
    "Open Inference Protocol": "Version 2, as KServe, Triton and MLServer speak it; binary tensors too.",
    "MLflow": "As `mlflow models serve` answers it.",
}
_STATUSES = {
    400: "What was sent is wrong, or has no answer.",
    401: "The token is missing or wrong.",
    403: "The token is one for predictions only.",
    404: "There is no such model, or the version cannot be asked for.",
    408: "The body did not arrive in time.",
    409: "It contradicts what is already recorded.",
    413: "More bytes or rows than the server takes at once.",
    415: "The body is of a kind that is not taken.",
    503: "The server cannot answer now: a full disk, for example.",
}
_BODY_ERRORS = (400, 408, 413)


# ---- what is answered, where it is not declared elsewhere ------------------------------------------------------------


class Problem(msgspec.Struct):
    """What is wrong, where, and how to mend it."""

    code: str
    what: str
    where: str | None
    hint: str | None


class Error(msgspec.Struct):
    """An error, and the id by which a log knows the request; the errors of rows in a list have that of the reply."""

    error: Problem
    request_id: str = ""


class OutcomesTold(msgspec.Struct):
    """How many outcomes met which verdict, and what is wrong with those that were not accepted."""

    counts: dict[str, int]
    problems: list[Problem]


class RowsTold(msgspec.Struct):
    """How many rows were new, how many known, and how many broke the contract and were set aside."""

    accepted: int
    duplicate: int
    quarantined: int | msgspec.UnsetType = msgspec.UNSET
    problems: list[Problem] | msgspec.UnsetType = msgspec.UNSET


class Status(msgspec.Struct):
    """Which versions are live, how many predictions wait for their outcome, and where the log stands."""

    generation: int
    workers: int
    champion: int
    challenger: int | None
    canary_share: float
    arms: dict[str, float]
    pending: int
    position: int
    deployment_error: str | None


class Health(msgspec.Struct):
    """Alive."""

    status: Literal["ok"]


class Live(msgspec.Struct):
    """Alive."""

    live: bool


class Ready(msgspec.Struct):
    """Ready to answer."""

    ready: bool


class ModelReady(msgspec.Struct):
    """Ready to answer."""

    name: str
    ready: bool


class ServerMetadata(msgspec.Struct):
    """What answers here."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(msgspec.Struct):
    """An input or an output. Of the shape, -1 is the number of rows."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Json | msgspec.UnsetType = msgspec.UNSET


class ModelMetadata(msgspec.Struct):
    """The inputs and outputs of the model, and the versions that may be asked for by their number."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class OutputTensor(msgspec.Struct):
    """An output of all rows."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | int | str]


class InferenceResponse(msgspec.Struct):
    """The outputs of all rows. `model_version` is there where one version answered all of them."""

    model_name: str
    outputs: list[OutputTensor]
    model_version: str | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET


class InferenceError(msgspec.Struct):
    """An error."""

    error: str


class Predictions(msgspec.Struct):
    """For each row a probability or a number, or the probabilities of all classes."""

    predictions: list[float | list[float]]


class ScoringError(msgspec.Struct):
    """An error."""

    error_code: str
    message: str


_ANSWERS = [
    *(Answer, Error, OutcomesTold, RowsTold, Status, Health),
    *(Live, Ready, ModelReady, ServerMetadata, ModelMetadata, InferenceResponse, InferenceError),
    *(Predictions, ScoringError, open_inference.InferenceRequest),
]


# ---- the document ----------------------------------------------------------------------------------------------------


def describe(service: Service) -> Json:
    """The document for a project's server, with examples that the contract takes."""
    project, doors = service.project, service.schemas
    _, schemas = msgspec.json.schema_components(
        [*_ANSWERS, doors.request, doors.outcome], ref_template="#/components/schemas/{name}"
    )
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    schemas["Answer"]["properties"]["output"] = _output_schema(project.task, project.classes)
    schemas["InputTensor"]["properties"]["name"]["enum"] = [*(field.name for field in doors.fields), "id"]
    schemas["InputTensor"]["properties"]["datatype"]["enum"] = ["BYTES", "BOOL", *open_inference.NUMBERS]
    schemas["RequestedOutput"]["properties"]["name"]["enum"] = list(open_inference.OUTPUTS)
    examples = _Examples(service)
    predicting: Json = {**_oip_paths(project.name, examples), **_mlflow_paths(examples)}
    own = _own_paths(service, examples)
    if needs_token_to_predict(project):
        for path in (own["/v1/predict"], *predicting.values()):
            _guard(path)
    return {
        "openapi": "3.1.0",
        "info": {"title": project.name, "version": version_of("mlops-lab"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": {
            **own,
            **_server_paths(),
            **predicting,
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _TOKEN}},
        },
    }


def _guard(path: Json) -> None:
    """Say that what is posted needs a token."""
    if operation := path.get("post"):
        operation["security"] = TOKEN
        schema = operation["responses"]["400"]["content"]
        operation["responses"]["401"] = {"description": _STATUSES[401], "content": schema}


def _output_schema(task: str, classes: Sequence[str]) -> Json:
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    if task == "multiclass":
        properties = dict.fromkeys(classes, probability)
        return {"type": "object", "properties": properties, "required": list(classes), "additionalProperties": False}
    return probability if task == "binary" else {"type": "number"}


def _own_paths(service: Service, examples: _Examples) -> Json:
    request, most = _ref("Request"), service.project.settings.serving.max_rows
    either = {"anyOf": [_ref("Answer"), {"type": "array", "items": {"anyOf": [_ref("Answer"), _ref("Error")]}}]}
    paths: Json = {
        "/v1/predict": _post(
            "Predictions",
            "Ask for a prediction, or for many",
            "An object is answered with its answer; a list with a list that holds, in the place of each request, its "
            "answer or its error. The same `id` gets the same answer again; with another content it is refused.",
            body={"anyOf": [request, {"type": "array", "items": request, "maxItems": most}]},
            examples={"one": examples.request, "many": [examples.request, examples.request]},
            answer=either,
            errors=(*_BODY_ERRORS, 409, 503),
        ),
        "/v1/outcomes": _post(
            "What happened",
            "Tell what became of predictions",
            "Each outcome is judged for itself; an accepted one is not changed any more.",
            body=_list_of("outcomes", _ref("Outcome"), most),
            examples={"one": {"outcomes": [examples.outcome]}},
            answer=_ref("OutcomesTold"),
            errors=(*_BODY_ERRORS, 401, 403, 409, 503),
            security=TOKEN,
        ),
    }
    for table, kind in service.schemas.rows.items():
        (row,) = msgspec.json.schema_components([kind])[1].values()
        paths[f"/v1/tables/{quote(table, safe='')}/rows"] = _post(
            "What happened",
            f"Add rows to the table {table}",
            "The same row again is ignored; one that breaks the contract is set aside, and the others are taken in.",
            body=_list_of("rows", row, most),
            examples={"one": {"rows": [examples.rows[table]]}},
            answer=_ref("RowsTold"),
            errors=(*_BODY_ERRORS, 401, 403, 409, 503),
            security=TOKEN,
        )
    return paths


def _server_paths() -> Json:
    text = {"type": "string"}
    return {
        "/v1/status": _get("Server", "What is live", _ref("Status"), errors=(503,)),
        "/metrics": _get("Server", "What was counted, for Prometheus", text, media="text/plain", errors=(503,)),
        "/healthz": _get("Server", "Alive", _ref("Health")),
        "/openapi.json": _get("Server", "This document", {"type": "object"}),
        "/docs": _get("Server", "This document as a page", text, media="text/html"),
    }


def _oip_paths(model: str, examples: _Examples) -> Json:
    tag, error = "Open Inference Protocol", "InferenceError"
    paths: Json = {
        "/v2": _get(tag, "What answers here", _ref("ServerMetadata")),
        "/v2/health/live": _get(tag, "Alive", _ref("Live")),
        "/v2/health/ready": _get(tag, "Ready to answer", _ref("Ready")),
    }
    for version in ("", "/versions/{version}"):
        base, title = f"/v2/models/{model}{version}", " of the version" if version else ""
        missing = (404,) if version else ()
        paths |= {
            base: _get(tag, f"Inputs and outputs{title}", _ref("ModelMetadata"), errors=missing, error=error),
            f"{base}/ready": _get(tag, f"Readiness{title}", _ref("ModelReady"), errors=missing, error=error),
            f"{base}/infer": _post(
                tag,
                f"Predictions{title}",
                "One tensor a field, of shape [rows] or [rows, 1]. Binary tensors may follow the JSON, whose length "
                "then stands in the header `Inference-Header-Content-Length`. One row without an answer refuses all.",
                body=_ref("InferenceRequest"),
                examples={"one": examples.inference},
                answer=_ref("InferenceResponse"),
                binary=True,
                errors=(*_BODY_ERRORS, *missing, 409, 415, 503),
                error=error,
            ),
        }
        if version:
            parameter = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
            told = "Only the version that answers all requests may be asked for by its number."
            for path in (base, f"{base}/ready", f"{base}/infer"):
                paths[path]["parameters"] = [{**parameter, "description": told}]
    return paths


def _mlflow_paths(examples: _Examples) -> Json:
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
    invoke = _post(
        "MLflow",
        "Predictions",
        "Exactly one of the fields that hold rows; `params` is ignored, and so are columns that are no field of a "
        "request. One row without an answer refuses all.",
        body={"oneOf": one_of},
        examples=examples.frames,
        answer=_ref("Predictions"),
        errors=(*_BODY_ERRORS, 409, 415, 503),
        error="ScoringError",
    )
    content = invoke["post"]["requestBody"]["content"]
    content["text/csv"] = {"schema": {"type": "string"}, "examples": {"one": {"value": examples.csv}}}
    text = {"type": "string"}
    return {
        "/invocations": invoke,
        "/ping": _get("MLflow", "Alive, as the load balancers of platforms ask", text, media="text/plain"),
        "/health": _get("MLflow", "Alive, under another name", text, media="text/plain"),
        "/version": _get("MLflow", "The version of MLflow", text, media="text/plain"),
    }


# ---- operations ------------------------------------------------------------------------------------------------------


def _get(
    tag: str,
    summary: str,
    answer: Json,
    *,
    media: str = "application/json",
    errors: Sequence[int] = (),
    error: str = "Error",
) -> Json:
    responses = {"200": {"description": "Told.", "content": {media: {"schema": answer}}}}
    return {"get": {"tags": [tag], "summary": summary, "responses": responses | _errors(errors, error)}}


def _post(
    tag: str,
    summary: str,
    description: str,
    *,
    body: Json,
    examples: Mapping[str, Any],
    answer: Json,
    binary: bool = False,
    errors: Sequence[int],
    error: str = "Error",
    security: Sequence[Json] = (),
) -> Json:
    shown = {name: {"value": example} for name, example in examples.items()}
    content: Json = {"application/json": {"schema": answer}}
    if binary:
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    operation: Json = {
        "tags": [tag],
        "summary": summary,
        "description": description,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "examples": shown}}},
        "responses": {"200": {"description": "Answered.", "content": content}, **_errors(errors, error)},
    }
    return {"post": operation | ({"security": list(security)} if security else {})}


def _errors(statuses: Sequence[int], schema: str) -> Json:
    content = {"application/json": {"schema": _ref(schema)}}
    return {str(status): {"description": _STATUSES[status], "content": content} for status in sorted(statuses)}


def _list_of(name: str, item: Json, most: int) -> Json:
    listed = {"type": "array", "items": item, "maxItems": most}
    return {"type": "object", "properties": {name: listed}, "required": [name], "additionalProperties": False}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


# ---- examples --------------------------------------------------------------------------------------------------------


class _Examples:
    """Bodies that the contract takes."""

    def __init__(self, service: Service) -> None:
        project, fields = service.project, service.schemas.fields
        self._moment = _present(service).astimezone(UTC).replace(microsecond=0)
        self._texts = service.models.champion.plan.categories
        asked = self._row([field for field in fields if field.name in project.settings.source.request])
        self.request = asked
        self.outcome = {"id": "the id of a prediction"} | self._row(submitted_fields(project)[1:])
        self.rows = {
            name: self._row(parse_fields(table.fields, where=f"tables.{name}"))
            for name, table in project.settings.tables.items()
        }
        kinds = {field.name: open_inference.DATATYPES[field.kind] for field in fields}
        inputs = [
            {"name": name, "shape": [1], "datatype": kinds[name], "data": [value]} for name, value in asked.items()
        ]
        self.inference = {"inputs": inputs}
        columns = {name: [value] for name, value in asked.items()}
        self.frames = {
            "dataframe_split": {"dataframe_split": {"columns": list(asked), "data": [list(asked.values())]}},
            "dataframe_records": {"dataframe_records": [asked]},
            "inputs": {"inputs": columns},
            "instances": {"instances": [asked]},
        }
        cells = [str(value).lower() if isinstance(value, bool) else str(value) for value in asked.values()]
        self.csv = "\n".join([",".join(asked), ",".join(cells)]) + "\n"

    def _row(self, fields: Sequence[Field]) -> Json:
        return {field.name: self._value(field) for field in fields}

    def _value(self, field: Field) -> Any:
        if field.kind == "string":
            known = field.categories or self._texts.get(field.name) or [field.name]
            return known[0]
        if field.kind == "datetime":
            return _text(self._moment)
        if field.kind == "boolean":
            return True
        low, high = (field.min, field.max)
        value = min(max(1.0, 1.0 if low is None else low), 1.0 if high is None else high)
        return round(value) if field.kind == "integer" else value


def _present(service: Service) -> datetime:
    """A moment to ask about: the machine's, or the newest that the data know of."""
    state = service.worker_state
    known = [state.newest, *state.facts.newest.values()] if service.project.settings.project.clock == "data" else []
    return max((moment for moment in known if moment is not None), default=clock.now())


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
