"""The part of the OpenAPI document that describes the Open Inference Protocol."""

from __future__ import annotations

import msgspec

from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.open_inference_messages import OUTPUTS, InferenceRequest
from mlops_lab.serving.protocols.open_inference_tensors import DATATYPES, NUMBERS
from mlops_lab.serving.protocols.operations import BODY_ERRORS, Json, describe_get, describe_post, ref

TAG = "Open Inference Protocol"
_ERROR = "InferenceError"
_VERSION_PARAMETER = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "Only the version that answers all requests may be asked for by its number.",
}


class ServerLive(msgspec.Struct):
    """The server is alive."""

    live: bool


class ServerReady(msgspec.Struct):
    """The server is ready to answer."""

    ready: bool


class ModelReady(msgspec.Struct):
    """The model is ready to answer."""

    name: str
    ready: bool


class ServerMetadata(msgspec.Struct):
    """The name and the version of the server."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(msgspec.Struct):
    """An input or an output. In the shape, -1 stands for the number of rows."""

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
    """The outputs of all rows. `model_version` is set where one version answered all of them."""

    model_name: str
    outputs: list[OutputTensor]
    model_version: str | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET


class InferenceError(msgspec.Struct):
    """An error."""

    error: str


SCHEMAS = [
    *(ServerLive, ServerReady, ModelReady, ServerMetadata, ModelMetadata),
    *(InferenceRequest, InferenceResponse, InferenceError),
]


class OpenInferenceDescription:
    """The path items of the protocol's routes, with the name of the project's model in their paths."""

    def __init__(self, service: Service) -> None:
        self._fields = service.schemas.fields
        self._model = f"/v2/models/{service.project.name}"

    def server(self, _: Examples) -> Json:
        """Of GET /v2."""
        return {"/v2": describe_get(TAG, "The name and the version of the server", ref("ServerMetadata"))}

    def live(self, _: Examples) -> Json:
        """Of GET /v2/health/live."""
        return {"/v2/health/live": describe_get(TAG, "Alive", ref("ServerLive"))}

    def ready(self, _: Examples) -> Json:
        """Of GET /v2/health/ready."""
        return {
            "/v2/health/ready": describe_get(TAG, "Ready to answer", ref("ServerReady"), errors=(503,), error=_ERROR)
        }

    def model(self, _: Examples) -> Json:
        """Of GET /v2/models/NAME, and of the version."""
        return self._read("", "Inputs and outputs", "ModelMetadata")

    def model_ready(self, _: Examples) -> Json:
        """Of GET /v2/models/NAME/ready, and of the version."""
        return self._read("/ready", "Readiness", "ModelReady")

    def infer(self, examples: Examples) -> Json:
        """Of POST /v2/models/NAME/infer, and of the version."""
        kinds = {field.name: DATATYPES[field.kind] for field in self._fields}
        inputs = [
            {"name": name, "shape": [1], "datatype": kinds[name], "data": [value]}
            for name, value in examples.request.items()
        ]
        return {
            path: parameters
            | describe_post(
                TAG,
                f"Predictions{title}",
                "One tensor a field, of shape [rows] or [rows, 1]. Binary tensors may follow the JSON; the header "
                "`Inference-Header-Content-Length` is then the length of the JSON. One row without an answer refuses "
                "all.",
                body=ref("InferenceRequest"),
                examples={"one": {"inputs": inputs}},
                response=ref("InferenceResponse"),
                binary=True,
                errors=(*BODY_ERRORS, *missing, 409, 503),
                error=_ERROR,
            )
            for path, title, missing, parameters in self._variants("/infer")
        }

    def refine_schemas(self, schemas: Json) -> None:
        """The names of the inputs and outputs, and the datatypes."""
        schemas["InputTensor"]["properties"]["name"]["enum"] = [*(field.name for field in self._fields), "id"]
        schemas["InputTensor"]["properties"]["datatype"]["enum"] = ["BYTES", "BOOL", *NUMBERS]
        schemas["RequestedOutput"]["properties"]["name"]["enum"] = list(OUTPUTS)

    def _read(self, suffix: str, summary: str, schema: str) -> Json:
        return {
            path: parameters | describe_get(TAG, f"{summary}{title}", ref(schema), errors=(*missing, 503), error=_ERROR)
            for path, title, missing, parameters in self._variants(suffix)
        }

    def _variants(self, suffix: str) -> list[tuple[str, str, tuple[int, ...], Json]]:
        """Path, end of the summary, additional errors and parameters: without a version in the URL, and with one."""
        with_version = f"{self._model}/versions/{{version}}{suffix}"
        return [
            (f"{self._model}{suffix}", "", (), {}),
            (with_version, " of the version", (404,), {"parameters": [_VERSION_PARAMETER]}),
        ]
