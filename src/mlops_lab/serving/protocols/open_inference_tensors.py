"""Tensors of the Open Inference Protocol: the values of a field for some rows, in JSON or in binary behind it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput
from mlops_lab.serving.http.messages import bad_field

NUMBERS = {
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}
"""The datatypes of numbers, each with its NumPy type."""
DATATYPES = {"string": "BYTES", "datetime": "BYTES", "boolean": "BOOL", "integer": "INT64", "float": "FP64"}
"""By the kind of a field, its datatype."""
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class InputTensor(msgspec.Struct, frozen=True):
    """A field of all rows. The values are in `data`, row by row, or in binary behind the JSON: the parameter
    `binary_data_size` says so."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


def read_tensor(tensor: InputTensor, field: Field, raw: memoryview | None, index: int) -> list[Any]:
    """The value of each row, as a request has it; `raw` is the tensor's binary data, if it has any.

    `index` is that of the tensor in the request, for errors.
    """
    rows = tensor.shape[0] if tensor.shape else -1
    if rows < 0 or tensor.shape[1:] not in ([], [1]):
        raise bad_tensor(index, "shape", f"is {tensor.shape}, expected [rows] or [rows, 1]")
    is_number = field.kind in {"integer", "float"} and tensor.datatype in NUMBERS
    if not is_number and tensor.datatype != DATATYPES[field.kind]:
        what = f"is {tensor.datatype}, expected {DATATYPES[field.kind]} for the {field.kind} {field.name}"
        raise bad_tensor(index, "datatype", what)
    values = _read_binary(raw, tensor, rows, index) if raw is not None else _read_json(tensor, index)
    if len(values) != rows:
        raise bad_tensor(index, "data", f"holds {len(values)} values, and the shape says {rows}")
    if field.kind == "float" and not tensor.datatype.startswith("FP"):
        for row, value in enumerate(values):
            if value is not None and float(value) != value:
                raise bad_tensor(index, f"data[{row}]", f"is {value}, which no FP64 holds exactly")
        return [None if value is None else float(value) for value in values]
    return values


def _read_json(tensor: InputTensor, index: int) -> list[Any]:
    """The values of `data`, nested or flat; each null, or of the tensor's type."""
    if tensor.data is None:
        raise bad_tensor(index, "data", "is missing")
    flat = [value for item in tensor.data for value in (item if isinstance(item, list) else [item])]
    try:
        values: list[Any] = msgspec.convert(flat, _json_type(tensor.datatype))
    except msgspec.ValidationError as error:
        raise bad_field(error, f"$.inputs[{index}].data") from None
    if tensor.datatype in {"FP16", "FP32"}:  # clients write fewer digits than the number has: the nearest one is meant
        kind = np.dtype(NUMBERS[tensor.datatype]).type
        with np.errstate(over="ignore"):
            return [None if value is None else float(kind(value)) for value in values]
    return values


def _json_type(datatype: str) -> Any:
    if datatype == "BYTES":
        return list[str | None]
    if datatype == "BOOL":
        return list[bool | None]
    return list[float | None] if datatype.startswith("FP") else list[_Int64 | None]


def take_binary(tensor: InputTensor, tail: memoryview, index: int) -> tuple[memoryview | None, memoryview]:
    """The bytes of a tensor (None if its values are in the JSON), and the bytes that follow it."""
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is None:
        return None, tail
    if type(size) is not int or not 0 <= size <= len(tail):
        raise bad_tensor(index, "parameters.binary_data_size", f"is {size!r}, and {len(tail)} bytes are left")
    return tail[:size], tail[size:]


def _read_binary(raw: memoryview, tensor: InputTensor, rows: int, index: int) -> list[Any]:
    if tensor.datatype == "BYTES":
        try:
            return [text.decode() for text in _split_texts(raw)]
        except (struct.error, UnicodeDecodeError):
            raise bad_tensor(index, "data", "is not UTF-8 texts, each behind its length in 4 bytes") from None
    dtype = np.dtype(NUMBERS.get(tensor.datatype, "<u1"))
    if len(raw) != rows * dtype.itemsize:
        raise bad_tensor(index, "data", f"is {len(raw)} bytes, expected {rows * dtype.itemsize}")
    values = np.frombuffer(raw, dtype)
    return list((values.astype(bool) if tensor.datatype == "BOOL" else values).tolist())


def _split_texts(raw: memoryview) -> Iterator[bytes]:
    start = 0
    while start < len(raw):
        (length,) = struct.unpack_from("<I", raw, start)
        (text,) = struct.unpack_from(f"{length}s", raw, start + 4)
        yield text
        start += 4 + length


def write_binary(values: Sequence[Any], datatype: str) -> bytes:
    """The values of an output as the bytes of a binary tensor."""
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))
    return np.array(values, NUMBERS[datatype]).tobytes()


def bad_tensor(index: int, part: str, what: str) -> InvalidInput:
    """The error for a tensor of a request, by its index."""
    return InvalidInput(
        what,
        code="invalid_request",
        where=f"$.inputs[{index}].{part}",
        hint="GET /v2/models/NAME shows the inputs and their types",
    )
