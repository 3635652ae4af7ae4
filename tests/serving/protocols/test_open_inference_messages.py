"""Messages of the Open Inference Protocol: which outputs, which rows, and where the JSON ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.http.messages import Request
from mlops_lab.serving.protocols.open_inference_messages import (
    InferenceRequest,
    read_rows,
    select_outputs,
    split_body,
    write_response,
)

FIELDS = [
    Field("depot", "string", nullable=False),
    Field("items", "integer", nullable=True),
    Field("id", "string", nullable=True),
]
NONE = memoryview(b"")


def message(**parts: Any) -> InferenceRequest:
    return msgspec.convert({"inputs": [], **parts}, InferenceRequest)


def column(name: str, datatype: str, *values: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(values)], "data": list(values)}


DEPOT, ITEMS = column("depot", "BYTES", "a", "b"), column("items", "INT64", 1, None)


def test_tensors_become_rows() -> None:
    rows = [{"depot": "a", "items": 1}, {"depot": "b", "items": None}]
    assert read_rows(message(inputs=[DEPOT, ITEMS]), NONE, FIELDS) == rows
    assert read_rows(message(inputs=[DEPOT]), NONE, FIELDS) == [{"depot": "a"}, {"depot": "b"}]


def test_the_id_of_a_request_is_that_of_its_only_row() -> None:
    one = column("depot", "BYTES", "a")
    assert read_rows(message(inputs=[one], id="x"), NONE, FIELDS) == [{"depot": "a", "id": "x"}]
    assert read_rows(message(inputs=[DEPOT], id="x"), NONE, FIELDS) == [{"depot": "a"}, {"depot": "b"}]
    own = column("id", "BYTES", "y")
    assert read_rows(message(inputs=[one, own], id="x"), NONE, FIELDS) == [{"depot": "a", "id": "y"}]


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ([], "missing: depot"),
        ([ITEMS], "missing: depot"),
        ([DEPOT, DEPOT], "given twice: depot"),
        ([DEPOT, column("colour", "BYTES", "a", "b")], "unknown: colour"),
        ([DEPOT, column("items", "INT64", 1)], "has 1 rows, and the one before it 2"),
    ],
)
def test_wrong_inputs_are_named(inputs: list[Any], what: str) -> None:
    with pytest.raises(InvalidInput, match=what) as caught:
        read_rows(message(inputs=inputs), NONE, FIELDS)
    assert (caught.value.where or "").startswith("$.inputs")


def test_a_request_without_inputs_is_refused_also_where_all_are_optional() -> None:
    with pytest.raises(InvalidInput, match="there are none"):
        read_rows(message(), NONE, FIELDS[1:])


def test_bytes_behind_the_last_tensor_are_refused() -> None:
    with pytest.raises(InvalidInput, match="4 bytes follow the last binary tensor"):
        read_rows(message(inputs=[DEPOT]), memoryview(b"more"), FIELDS)


@pytest.mark.parametrize(
    ("parts", "selected"),
    [
        ({}, {"output": False, "id": False, "version": False}),
        ({"parameters": {"binary_data_output": True}}, {"output": True, "id": True, "version": True}),
        ({"outputs": [{"name": "id"}]}, {"id": False}),
        ({"outputs": [{"name": "id", "parameters": {"binary_data": True}}]}, {"id": True}),
        (
            {"parameters": {"binary_data_output": True}, "outputs": [{"name": "id"}, {"name": "output"}]},
            {"id": True, "output": True},
        ),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "id", "parameters": {"binary_data": False}}],
            },
            {"id": False},
        ),
    ],
)
def test_the_outputs_that_a_request_wants(parts: dict[str, Any], selected: dict[str, bool]) -> None:
    assert select_outputs(message(**parts)) == selected


def test_an_unknown_output_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        select_outputs(message(outputs=[{"name": "output"}, {"name": "loss"}]))
    assert caught.value.where == "$.outputs[1].name"


def request_with(*headers: tuple[bytes, bytes]) -> Request:
    async def receive() -> dict[str, Any]:
        raise NotImplementedError

    return Request({"method": "POST", "path": "/", "headers": headers}, receive, max_body_bytes=1, max_seconds=1)


@given(st.binary(), st.binary())
def test_the_header_says_where_the_json_ends(json: bytes, binary: bytes) -> None:
    request = request_with((b"inference-header-content-length", b"%d" % len(json)))
    assert split_body(request, json + binary) == (json, binary)
    assert split_body(request_with(), json) == (json, b"")


@pytest.mark.parametrize("length", [b"", b"-1", b"x", b"7", b"9" * 5000])
def test_a_wrong_length_is_refused(length: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        split_body(request_with((b"inference-header-content-length", length)), b"abcdef")
    assert caught.value.where == "header inference-header-content-length"


def record(name: str, output: Any, *, version: int = 1) -> PredictionRecord:
    at = datetime(2024, 3, 25, tzinfo=UTC)
    return PredictionRecord(name, at, version, "champion", output, {}, [], {}, None)


def test_a_response_holds_the_outputs_in_order() -> None:
    selected = {"output": False, "id": False}
    response = write_response(message(id="r"), selected, [record("a", 0.5), record("b", 0.25)], model="m", classes=[])
    assert msgspec.json.decode(response.body) == {
        "model_name": "m",
        "model_version": "1",
        "id": "r",
        "outputs": [
            {"name": "output", "datatype": "FP64", "shape": [2], "data": [0.5, 0.25]},
            {"name": "id", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
        ],
    }


def test_a_response_of_several_versions_names_none() -> None:
    records = [record("a", 0.5), record("b", 0.25, version=2)]
    body = msgspec.json.decode(write_response(message(), {"version": False}, records, model="m", classes=[]).body)
    assert "model_version" not in body
    assert body["outputs"][0]["data"] == [1, 2]


def test_binary_outputs_follow_the_json_and_classes_are_a_matrix() -> None:
    records = [record("a", [0.5, 0.5]), record("b", [0.25, 0.75])]
    response = write_response(message(), {"output": True, "id": False}, records, model="m", classes=["x", "y"])
    headers = dict(response.headers)
    assert headers[b"content-type"] == b"application/octet-stream"
    length = int(headers[b"inference-header-content-length"])
    output, name = msgspec.json.decode(response.body[:length])["outputs"]
    assert (output["shape"], output["parameters"]) == ([2, 2], {"binary_data_size": 32})
    assert "data" not in output
    assert name["data"] == ["a", "b"]
    assert len(response.body) == length + 32
