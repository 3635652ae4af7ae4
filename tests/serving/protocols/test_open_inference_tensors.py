"""Tensors: what is written is read again, in JSON and in binary; and only what a field can hold is taken."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput
from mlops_lab.serving.protocols.open_inference_tensors import (
    NUMBERS,
    InputTensor,
    read_tensor,
    take_binary,
    write_binary,
)

FLOAT, INTEGER = Field("f", "float", nullable=True), Field("i", "integer", nullable=True)
TEXT, BOOLEAN = Field("t", "string", nullable=True), Field("b", "boolean", nullable=True)
EMPTY = memoryview(b"")


def tensor(datatype: str, data: list[Any] | None, *, shape: list[int] | None = None) -> InputTensor:
    return InputTensor("x", [len(data or [])] if shape is None else shape, datatype, data)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_floats_in_json(values: list[float | None]) -> None:
    assert read_tensor(tensor("FP64", values), FLOAT, None, 0) == values
    nested = tensor("FP64", [[value] for value in values], shape=[len(values), 1])
    assert read_tensor(nested, FLOAT, None, 0) == values


@given(st.lists(st.floats(allow_nan=False)))
def test_floats_in_binary(values: list[float]) -> None:
    raw = memoryview(write_binary(values, "FP64"))
    assert read_tensor(tensor("FP64", None, shape=[len(values)]), FLOAT, raw, 0) == values


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_in_binary(values: list[str]) -> None:
    raw = memoryview(write_binary(values, "BYTES"))
    assert read_tensor(tensor("BYTES", None, shape=[len(values)]), TEXT, raw, 0) == values


@given(st.sampled_from(sorted(name for name in NUMBERS if "INT" in name)), st.data())
def test_integers_of_any_size_in_binary(datatype: str, data: st.DataObject) -> None:
    bounds = np.iinfo(np.dtype(NUMBERS[datatype]))
    values = data.draw(st.lists(st.integers(int(bounds.min), int(bounds.max))))
    raw = memoryview(np.array(values, NUMBERS[datatype]).tobytes())
    assert read_tensor(tensor(datatype, None, shape=[len(values)]), INTEGER, raw, 0) == values


@given(st.lists(st.booleans()))
def test_booleans(values: list[bool]) -> None:
    assert read_tensor(tensor("BOOL", [*values]), BOOLEAN, None, 0) == values
    raw = memoryview(bytes(values))
    assert read_tensor(tensor("BOOL", None, shape=[len(values)]), BOOLEAN, raw, 0) == values


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_a_short_float_in_json_is_the_nearest_one(values: list[float]) -> None:
    written = [float(str(np.float32(value))) for value in values]
    assert read_tensor(tensor("FP32", written), FLOAT, None, 0) == values


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_for_a_float_is_taken_if_a_float_holds_it(value: int) -> None:
    if float(value) == value:
        assert read_tensor(tensor("INT64", [value]), FLOAT, None, 0) == [float(value)]
    else:
        with pytest.raises(InvalidInput, match="no FP64 holds exactly"):
            read_tensor(tensor("INT64", [value]), FLOAT, None, 0)


@pytest.mark.parametrize(
    ("given_tensor", "field", "part"),
    [
        (tensor("BYTES", ["1"]), INTEGER, "datatype"),
        (tensor("INT64", [1]), TEXT, "datatype"),
        (tensor("FP64", [1.0]), BOOLEAN, "datatype"),
        (tensor("FP8", [1.0]), FLOAT, "datatype"),
        (tensor("FP64", [1.0], shape=[]), FLOAT, "shape"),
        (tensor("FP64", [1.0], shape=[-1]), FLOAT, "shape"),
        (tensor("FP64", [1.0, 2.0], shape=[1, 2]), FLOAT, "shape"),
        (tensor("FP64", [1.0], shape=[2]), FLOAT, "data"),
        (tensor("FP64", None, shape=[1]), FLOAT, "data"),
        (tensor("FP64", [True]), FLOAT, "data[0]"),
        (tensor("INT64", [1, 2**63]), INTEGER, "data[1]"),
        (tensor("INT64", [1.5]), INTEGER, "data[0]"),
        (tensor("BOOL", [1]), BOOLEAN, "data[0]"),
        (tensor("FP64", [[[1.0]]]), FLOAT, "data[0]"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_with_its_place(given_tensor: InputTensor, field: Field, part: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_tensor(given_tensor, field, None, 3)
    assert caught.value.where == f"$.inputs[3].{part}"
    assert caught.value.hint


@given(st.binary(max_size=30), st.integers(0, 5), st.sampled_from(["BYTES", "FP64", "BOOL", "INT16"]))
def test_any_bytes_are_a_tensor_or_an_error_of_the_client(raw: bytes, rows: int, datatype: str) -> None:
    field = {"BYTES": TEXT, "BOOL": BOOLEAN}.get(datatype, FLOAT)
    try:
        values = read_tensor(tensor(datatype, None, shape=[rows]), field, memoryview(raw), 0)
    except InvalidInput as error:
        assert error.where == "$.inputs[0].data"
    else:
        assert len(values) == rows


@pytest.mark.parametrize("raw", [b"\x01\0\0\0\xff", b"\x05\0\0\0b", b"\xff\xff\xff\xffb", b"b"])
def test_texts_that_are_cut_or_not_utf8_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_tensor(tensor("BYTES", None, shape=[1]), TEXT, memoryview(raw), 0)


def test_nan_in_binary_stays_nan() -> None:
    (value,) = read_tensor(tensor("FP64", None, shape=[1]), FLOAT, memoryview(struct.pack("<d", math.nan)), 0)
    assert math.isnan(value)


def test_binary_data_follow_each_other() -> None:
    sized = InputTensor("x", [1], "BYTES", parameters={"binary_data_size": 3})
    raw, rest = take_binary(sized, memoryview(b"abcde"), 0)
    assert (raw, rest) == (b"abc", b"de")
    assert take_binary(tensor("BYTES", ["a"]), memoryview(b"abc"), 0) == (None, b"abc")
    for size in (6, -1, "3", True, 2.0):
        with pytest.raises(InvalidInput) as caught:
            take_binary(InputTensor("x", [1], "BYTES", parameters={"binary_data_size": size}), memoryview(b"abcde"), 1)
        assert caught.value.where == "$.inputs[1].parameters.binary_data_size"
