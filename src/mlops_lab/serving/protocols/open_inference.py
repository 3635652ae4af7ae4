"""The Open Inference Protocol, version 2, which KServe, Triton and MLServer speak: requests as columns of tensors, in
JSON, or in binary behind it.

https://github.com/kserve/open-inference-protocol, and Triton's extension `binary_tensor_data`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version as version_of
from typing import Any

import msgspec

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import MlopsError, NotFound
from mlops_lab.serving.http.messages import Request, Response, decode_body, encode, take_nan
from mlops_lab.serving.protocols.base import Handler, HttpRoute, Json, Protocol, ProtocolContext
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.open_inference_messages import (
    OUTPUTS,
    InferenceRequest,
    read_rows,
    select_outputs,
    split_body,
    write_response,
)
from mlops_lab.serving.protocols.open_inference_openapi import SCHEMAS, TAG, OpenInferenceDescription
from mlops_lab.serving.protocols.open_inference_tensors import DATATYPES

EXTENSIONS = ["binary_tensor_data"]
_MODEL = "/v2/models/{name}[/versions/{version}]"


def make_open_inference(context: ProtocolContext) -> Protocol:
    """The protocol, below /v2."""
    handler = OpenInferenceHandler(context)
    describe = OpenInferenceDescription(context.service)
    return Protocol(
        name="open_inference",
        tags={TAG: "Version 2, as KServe, Triton and MLServer speak it; binary tensors too."},
        routes=[
            _read("/v2", handler.get_server, describe.server),
            _read("/v2/health/live", handler.get_live, describe.live),
            _read("/v2/health/ready", handler.get_ready, describe.ready),
            _read(_MODEL, handler.get_model, describe.model),
            _read(f"{_MODEL}/ready", handler.get_model_ready, describe.model_ready),
            HttpRoute(
                method="POST",
                pattern=f"{_MODEL}/infer",
                handler=handler.infer,
                role="predict",
                describe=describe.infer,
            ),
        ],
        error_response=inference_error,
        error_paths=["/v2*"],
        schemas=SCHEMAS,
        refine_schemas=describe.refine_schemas,
    )


def _read(pattern: str, handler: Handler, describe: Callable[[Examples], Json]) -> HttpRoute:
    """A route that anybody may read."""
    return HttpRoute(method="GET", pattern=pattern, handler=handler, role=None, describe=describe)


class OpenInferenceHandler:
    """The URLs below /v2. The one model has the name of the project."""

    def __init__(self, context: ProtocolContext) -> None:
        self._service = context.service
        self._rows = context.rows
        self._check_disk = context.check_disk
        self._name = context.service.project.name
        self._classes = list(context.service.project.classes)
        self._fields = [*context.service.schemas.fields, Field("id", "string", nullable=True)]
        self._decode = take_nan(msgspec.json.Decoder(InferenceRequest).decode)

    # ---- about the server and the model --------------------------------------------------------------------------

    async def get_server(self, _: Request) -> Response:
        """The name and the version of the server, and the extensions that it understands."""
        return Response(
            200, encode({"name": "mlops-lab", "version": version_of("mlops-lab"), "extensions": EXTENSIONS})
        )

    async def get_live(self, _: Request) -> Response:
        """The server is alive."""
        return Response(200, b'{"live":true}')

    async def get_ready(self, _: Request) -> Response:
        """The server can answer; EnvironmentFault where nothing can be written."""
        await self._check_disk()
        return Response(200, b'{"ready":true}')

    async def get_model(self, _: Request, name: str, version: str | None) -> Response:
        """The inputs and outputs of the model, and the version that a URL may name."""
        self._check_model(name, version)
        shape: dict[str, list[int]] = {"output": [-1, len(self._classes)]} if self._classes else {}
        outputs: list[dict[str, Any]] = [
            {"name": output, "datatype": datatype, "shape": shape.get(output, [-1])}
            for output, datatype in OUTPUTS.items()
        ]
        if self._classes:
            outputs[0]["parameters"] = {"classes": self._classes}
        inputs = [
            {"name": field.name, "datatype": DATATYPES[field.kind], "shape": [-1]}
            | ({"parameters": {"optional": True}} if field.nullable else {})
            for field in self._fields
        ]
        only = self._only_version
        about = {"name": name, "versions": [only] if only else [], "platform": "mlops-lab"}
        return Response(200, encode({**about, "inputs": inputs, "outputs": outputs}))

    async def get_model_ready(self, _: Request, name: str, version: str | None) -> Response:
        """The model is ready; NotFound where there is no such model or version, EnvironmentFault where nothing can be
        written."""
        self._check_model(name, version)
        await self._check_disk()
        return Response(200, encode({"name": name, "ready": True}))

    @property
    def _only_version(self) -> str | None:
        """The version that answers all requests; None while several share them."""
        models = self._service.models
        return None if models.is_split else str(models.champion.version)

    def _check_model(self, name: str, version: str | None) -> None:
        if name != self._name:
            raise NotFound(
                f'there is no model "{name}"', code="unknown_model", where="url", hint=f"the model is {self._name}"
            )
        only = self._only_version
        if version is None or version == only:
            return
        shared = "several versions share the requests now, and none of them can be asked for alone"
        raise NotFound(
            f"version {version} cannot be asked for: {f'it is version {only} that answers' if only else shared}",
            code="version_not_live",
            where="url",
            hint=f"ask without a version: /v2/models/{name}/infer",
        )

    # ---- predictions ---------------------------------------------------------------------------------------------

    async def infer(self, request: Request, name: str, version: str | None) -> Response:
        """The outputs for all rows. InvalidInput where one row has no answer; then none is written down."""
        self._check_model(name, version)
        json, binary = split_body(request, await request.body())
        message: InferenceRequest = decode_body(self._decode, json)
        selected = select_outputs(message)
        records = await self._rows.answer(read_rows(message, binary, self._fields))
        versions = {record.version for record in records}
        if version is not None and versions - {int(version)}:  # another one was deployed, or answered this id before
            raise NotFound(
                f"answered by version {' and '.join(map(str, sorted(versions)))}, not by {version}",
                code="version_not_live",
                where="url",
                hint="ask without a version",
            )
        return write_response(message, selected, records, model=self._name, classes=self._classes)


def inference_error(error: MlopsError, request_id: str) -> Response:
    """An error in the form of this protocol."""
    del request_id  # it is in the header
    return Response(error.status, encode({"error": f"{error} (hint: {error.hint})" if error.hint else str(error)}))
