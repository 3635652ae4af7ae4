"""Azure Machine Learning's contract for endpoints: rows at /score, in the forms of its own servers; a list comes back.

https://learn.microsoft.com/azure/machine-learning/how-to-deploy-mlflow-models: `input_data`; scripts take `data`.
"""

from __future__ import annotations

from mlops_lab.serving.http.messages import Request, Response, encode
from mlops_lab.serving.protocols.base import HttpRoute, Json, Protocol, ProtocolContext
from mlops_lab.serving.protocols.cloud import CloudError, cloud_error
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.mlflow_frames import AZURE_FORMS, read_json_frame
from mlops_lab.serving.protocols.operations import BODY_ERRORS, describe_post

_TAG = "Azure ML"
_PATH = "/score"


def make_azureml(context: ProtocolContext) -> Protocol:
    """The protocol. Whether the server is alive, Azure asks at a path that the environment names, such as /healthz."""

    async def score(request: Request) -> Response:
        records = await context.rows.answer(read_json_frame(await request.body(), AZURE_FORMS))
        return Response(200, encode([record.output for record in records]))

    return Protocol(
        name="azureml",
        tags={_TAG: "As its endpoints answer it."},
        routes=[
            HttpRoute(method="POST", pattern=_PATH, handler=score, role="predict", describe=_describe_score),
        ],
        error_response=cloud_error,
        error_paths=[_PATH],
        schemas=[CloudError],
    )


def _describe_score(examples: Examples) -> Json:
    rows = {"type": "array", "items": {"type": "object"}}
    columns = {"type": "object", "additionalProperties": {"type": "array"}}
    forms = {"input_data": {"anyOf": [rows, columns]}, "data": rows}
    one_of = [{"type": "object", "properties": {name: form}, "required": [name]} for name, form in forms.items()]
    row = examples.request
    item = describe_post(
        _TAG,
        "Predictions",
        "`input_data` holds rows, columns, or `columns` and `data` as pandas splits a frame; `data` holds rows. One "
        "row without an answer refuses all.",
        body={"oneOf": one_of},
        examples={
            "split": {"input_data": {"columns": list(row), "index": [0], "data": [list(row.values())]}},
            "rows": {"data": [row]},
        },
        response={"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "array"}]}},
        errors=(*BODY_ERRORS, 409, 503),
        error="CloudError",
    )
    return {_PATH: item}
