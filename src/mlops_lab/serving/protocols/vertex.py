"""Vertex AI's contract for containers: `instances` in, `predictions` out, at the paths that its variables name.

https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.serving.http.messages import Request, Response, encode
from mlops_lab.serving.protocols.base import HttpRoute, Json, Protocol, ProtocolContext
from mlops_lab.serving.protocols.cloud import CloudError, cloud_error
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.mlflow_frames import VERTEX_FORMS, read_json_frame
from mlops_lab.serving.protocols.operations import BODY_ERRORS, describe_get, describe_post, ref

_TAG = "Vertex AI"
_PREDICT, _HEALTH = "/vertex/predict", "/vertex/health"
_OWN = ("/vertex/", "/v1/endpoints/")
"""Below these paths nothing else is. The second is where Vertex AI asks, unless the model names other paths."""
_ALIKE = frozenset({"/invocations", "/ping", "/health", "/healthz", "/readyz"})
"""Paths of others that answer as Vertex AI asks."""


class VertexPredictions(msgspec.Struct):
    """For each instance a probability or a number, or the probabilities of all classes."""

    predictions: list[float | list[float]]


def make_vertex(context: ProtocolContext) -> Protocol:
    """The protocol, at the paths of the variables AIP_PREDICT_ROUTE and AIP_HEALTH_ROUTE where they are set."""
    predict_path = find_path(os.environ, "AIP_PREDICT_ROUTE", default=_PREDICT)
    health_path = find_path(os.environ, "AIP_HEALTH_ROUTE", default=_HEALTH)

    async def predict(request: Request) -> Response:
        records = await context.rows.answer(read_json_frame(await request.body(), VERTEX_FORMS))
        return Response(200, encode(VertexPredictions([record.output for record in records])))

    async def get_health(_: Request) -> Response:
        await context.check_disk()
        return Response(200, b'{"status":"ok"}')

    health = describe_get(_TAG, "Ready to predict", ref("Health"), errors=(503,), error="CloudError")
    routes = [
        HttpRoute(
            method="POST",
            pattern=predict_path,
            handler=predict,
            role="predict",
            describe=lambda examples: {predict_path: _describe_predict(examples)},
        ),
        HttpRoute(
            method="GET",
            pattern=health_path,
            handler=get_health,
            role=None,
            describe=lambda _: {health_path: health},
        ),
    ]
    own = [route for route in routes if route.pattern not in _ALIKE]
    return Protocol(
        name="vertex",
        tags={_TAG: "As its containers answer it."},
        routes=own,
        error_response=cloud_error,
        error_paths=[route.pattern for route in own],
        schemas=[VertexPredictions, CloudError],
    )


def find_path(environment: Mapping[str, str], variable: str, *, default: str) -> str:
    """The path that a variable names; InvalidInput for one that is, or may become, a path of another protocol."""
    path = environment.get(variable) or default
    if path in _ALIKE or (path.startswith(_OWN) and not {*"{}[]"} & {*path}):
        return path
    raise InvalidInput(
        f"{path} is no path that this server gives away",
        code="bad_route",
        where=f"the variable {variable}",
        hint=f"leave predictRoute and healthRoute out of the model's container, or name {default}",
    )


def _describe_predict(examples: Examples) -> Json:
    body = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": {"type": "object"}}},
        "required": ["instances"],
    }
    return describe_post(
        _TAG,
        "Predictions",
        "`parameters` is ignored. One instance without an answer refuses all.",
        body=body,
        examples={"one": {"instances": [examples.request]}},
        response=ref("VertexPredictions"),
        errors=(*BODY_ERRORS, 409, 503),
        error="CloudError",
    )
