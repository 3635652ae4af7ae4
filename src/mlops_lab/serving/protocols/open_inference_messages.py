"""Requests and responses of the Open Inference Protocol: some rows as tensors, and the outputs for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.http.messages import Header, Request, Response, encode
from mlops_lab.serving.protocols.open_inference_tensors import (
    InputTensor,
    bad_tensor,
    read_tensor,
    take_binary,
    write_binary,
)
from mlops_lab.serving.protocols.rows import Row

OUTPUTS = {"output": "FP64", "id": "BYTES", "version": "INT64"}
"""The outputs of each model, with their datatypes."""
_MAX_NAMES_SHOWN = 20
_JSON_LENGTH = b"inference-header-content-length"
_BINARY: Header = (b"content-type", b"application/octet-stream")


class RequestedOutput(msgspec.Struct, frozen=True):
    """An output that the client wants; in binary with the parameter `binary_data`."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(msgspec.Struct, frozen=True):
    """Some rows, as one tensor a field."""

    inputs: list[InputTensor]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None
    parameters: dict[str, Any] | None = None


def split_body(request: Request, body: bytes) -> tuple[bytes, memoryview]:
    """The JSON of a body, and the binary tensors that follow it."""
    length = request.header(_JSON_LENGTH)
    if length is None:
        return body, memoryview(b"")
    if not length.isdigit() or int(length[:20]) > len(body):
        raise InvalidInput(
            f"is {length.decode('latin-1')!r}, and the body has {len(body)} bytes",
            code="invalid_request",
            where="header inference-header-content-length",
            hint="it is the length of the JSON before the first binary tensor",
        )
    return body[: int(length)], memoryview(body)[int(length) :]


def select_outputs(message: InferenceRequest) -> dict[str, bool]:
    """The outputs that a request wants, each with whether in binary; all of them if it names none."""
    default = (message.parameters or {}).get("binary_data_output") is True
    if not message.outputs:
        return dict.fromkeys(OUTPUTS, default)
    selected = {}
    for index, output in enumerate(message.outputs):
        if output.name not in OUTPUTS:
            raise InvalidInput(
                f'there is no output "{output.name}"',
                code="unknown_output",
                where=f"$.outputs[{index}].name",
                hint=f"the outputs are {', '.join(OUTPUTS)}",
            )
        selected[output.name] = (output.parameters or {}).get("binary_data", default) is True
    return selected


def read_rows(message: InferenceRequest, binary: memoryview, fields: Sequence[Field]) -> list[Row]:
    """The rows of a request, whose binary tensors are in `binary`; InvalidInput names the tensor that is wrong."""
    by_name = {field.name: field for field in fields}
    _check_names([tensor.name for tensor in message.inputs], by_name)
    columns: dict[str, list[Any]] = {}
    rows = None
    for index, tensor in enumerate(message.inputs):
        raw, binary = take_binary(tensor, binary, index)
        columns[tensor.name] = read_tensor(tensor, by_name[tensor.name], raw, index)
        if rows is not None and tensor.shape[0] != rows:
            raise bad_tensor(index, "shape", f"has {tensor.shape[0]} rows, and the one before it {rows}")
        rows = tensor.shape[0]
    if binary:
        raise InvalidInput(
            f"{len(binary)} bytes follow the last binary tensor",
            code="invalid_request",
            where="$",
            hint="binary_data_size of every binary input says how many bytes are its own",
        )
    if rows == 1 and "id" not in columns and message.id:
        columns["id"] = [message.id]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _check_names(names: Sequence[str], fields: Mapping[str, Field]) -> None:
    """InvalidInput where these are not the names of the inputs, each once; only nullable ones may be left out."""
    wrong = {
        "unknown": [name for name in names if name not in fields],
        "missing": [name for name, field in fields.items() if not field.nullable and name not in names],
        "given twice": [name for name, times in Counter(names).items() if times > 1],
    }
    reasons = [f"{what}: {', '.join(listed[:_MAX_NAMES_SHOWN])}" for what, listed in wrong.items() if listed]
    if reasons or not names:
        raise InvalidInput(
            f"not the inputs of the model; {'; '.join(reasons) or 'there are none'}",
            code="invalid_request",
            where="$.inputs",
            hint=f"the inputs are {', '.join(fields)}",
        )


def write_response(
    message: InferenceRequest,
    selected: Mapping[str, bool],
    records: Sequence[PredictionRecord],
    *,
    model: str,
    classes: Sequence[str],
) -> Response:
    """The selected outputs of all rows, in JSON or in binary behind it."""
    versions = {record.version for record in records}
    head: dict[str, Any] = {"model_name": model}
    if len(versions) == 1:
        head["model_version"] = str(*versions)
    if message.id is not None:
        head["id"] = message.id
    head["outputs"] = outputs = []
    chunks: list[bytes] = []
    for name, is_binary in selected.items():
        values, shape = [getattr(record, name) for record in records], [len(records)]
        if name == "output" and classes:
            values, shape = [value for row in values for value in row], [len(records), len(classes)]
        output: dict[str, Any] = {"name": name, "datatype": OUTPUTS[name], "shape": shape}
        if is_binary:
            chunks.append(write_binary(values, OUTPUTS[name]))
            output["parameters"] = {"binary_data_size": len(chunks[-1])}
        else:
            output["data"] = values
        outputs.append(output)
    json = encode(head)
    if not chunks:
        return Response(200, json)
    return Response(200, b"".join([json, *chunks]), (_BINARY, (_JSON_LENGTH, b"%d" % len(json))))
