"""The Open Inference Protocol, version 2, which KServe, Triton and MLServer speak: requests as columns of tensors, in
JSON, or in binary behind it.

https://github.com/kserve/open-inference-protocol, and Triton's extension `binary_tensor_data`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as version_of
from typing import Annotated, Any

import msgspec
import numpy as np

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput, MlopsError, NotFound
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.messages import Header, Request, Response, bad_field, decode_body, encode
from mlops_lab.serving.protocols.rows import Row, RowsHandler, refuse_compressed

EXTENSIONS = ["binary_tensor_data"]
NUMBERS = {
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}
DATATYPES = {"string": "BYTES", "datetime": "BYTES", "boolean": "BOOL", "integer": "INT64", "float": "FP64"}
OUTPUTS = {"output": "FP64", "id": "BYTES", "version": "INT64"}
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_SHOWN = 20
_LENGTH = b"inference-header-content-length"
_BINARY: Header = (b"content-type", b"application/octet-stream")


class InputTensor(msgspec.Struct, frozen=True):
    """A field of all rows. Its data stand in `data`, row by row, or behind the JSON, if a parameter `binary_data_size`
    says so."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class RequestedOutput(msgspec.Struct, frozen=True):
    """An output that is asked for; in binary with the parameter `binary_data`."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(msgspec.Struct, frozen=True):
    """Some rows, as one tensor a field."""

    inputs: list[InputTensor]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None
    parameters: dict[str, Any] | None = None


class OpenInference:
    """The routes below /v2. The one model is called like the project."""

    def __init__(self, service: Service, door: RowsHandler) -> None:
        self._service = service
        self._door = door
        self._name = service.project.name
        self._classes = list(service.project.classes)
        self._fields = [*service.schemas.fields, Field("id", "string", nullable=True)]
        self._decode = msgspec.json.Decoder(InferenceRequest).decode

    # ---- what there is -------------------------------------------------------------------------------------------

    async def tell_server(self, _: Request) -> Response:
        """What answers here."""
        return Response(
            200, encode({"name": "mlops-lab", "version": version_of("mlops-lab"), "extensions": EXTENSIONS})
        )

    async def tell_live(self, _: Request) -> Response:
        """Alive."""
        return Response(200, b'{"live":true}')

    async def tell_ready(self, _: Request) -> Response:
        """Ready: a server does not listen before it can answer."""
        return Response(200, b'{"ready":true}')

    async def tell_model(self, _: Request, name: str, version: str | None) -> Response:
        """The inputs and outputs of the model, and the version that may be asked for by its number."""
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
        told = {"name": name, "versions": [only] if only else [], "platform": "mlops-lab"}
        return Response(200, encode({**told, "inputs": inputs, "outputs": outputs}))

    async def tell_model_ready(self, _: Request, name: str, version: str | None) -> Response:
        """Ready; NotFound where there is no such model or version."""
        self._check_model(name, version)
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

    # ---- answering -----------------------------------------------------------------------------------------------

    async def infer(self, call: Request, name: str, version: str | None) -> Response:
        """The outputs for all rows; InvalidInput, and no answer, where one row has none."""
        self._check_model(name, version)
        refuse_compressed(call)
        body = await call.body()
        length = _json_length(call, body)
        asked: InferenceRequest = decode_body(self._decode, body if length is None else body[:length])
        wanted = _wanted(asked)
        rows = self._read_rows(asked, memoryview(body)[len(body) if length is None else length :])
        records = await self._door.ask(rows)
        versions = {record.version for record in records}
        if version is not None and versions - {int(version)}:  # another one was deployed, or answered this id before
            raise NotFound(
                f"answered by version {' and '.join(map(str, sorted(versions)))}, not by {version}",
                code="version_not_live",
                where="url",
                hint="ask without a version",
            )
        return self._reply(asked, wanted, records, versions)

    def _read_rows(self, asked: InferenceRequest, tail: memoryview) -> list[Row]:
        fields = {field.name: field for field in self._fields}
        _check_inputs([tensor.name for tensor in asked.inputs], fields)
        columns: dict[str, list[Any]] = {}
        rows = None
        for place, tensor in enumerate(asked.inputs):
            raw, tail = _take_binary(tensor, tail, place)
            columns[tensor.name] = _read_tensor(tensor, fields[tensor.name], raw, place)
            if rows is not None and tensor.shape[0] != rows:
                raise _bad_tensor(place, "shape", f"has {tensor.shape[0]} rows, and the one before it {rows}")
            rows = tensor.shape[0]
        if tail:
            raise InvalidInput(
                f"{len(tail)} bytes follow the last binary tensor",
                code="invalid_request",
                where="$",
                hint="binary_data_size of every binary input says how many bytes are its own",
            )
        if rows == 1 and "id" not in columns and asked.id:
            columns["id"] = [asked.id]
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _reply(
        self,
        asked: InferenceRequest,
        wanted: Mapping[str, bool],
        records: Sequence[PredictionRecord],
        versions: set[int],
    ) -> Response:
        told: dict[str, Any] = {"model_name": self._name}
        if len(versions) == 1:
            told["model_version"] = str(*versions)
        if asked.id is not None:
            told["id"] = asked.id
        told["outputs"] = outputs = []
        chunks: list[bytes] = []
        for name, is_binary in wanted.items():
            values, shape = [getattr(record, name) for record in records], [len(records)]
            if name == "output" and self._classes:
                values, shape = [one for row in values for one in row], [len(records), len(self._classes)]
            output: dict[str, Any] = {"name": name, "datatype": OUTPUTS[name], "shape": shape}
            if is_binary:
                chunks.append(_write_binary(values, OUTPUTS[name]))
                output["parameters"] = {"binary_data_size": len(chunks[-1])}
            else:
                output["data"] = values
            outputs.append(output)
        head = encode(told)
        if not chunks:
            return Response(200, head)
        return Response(200, b"".join([head, *chunks]), (_BINARY, (_LENGTH, b"%d" % len(head))))


def tell_error(error: MlopsError) -> Response:
    """An error as this protocol has it."""
    return Response(error.status, encode({"error": f"{error} (hint: {error.hint})" if error.hint else str(error)}))


def _wanted(asked: InferenceRequest) -> dict[str, bool]:
    """The outputs that are asked for, and which of them in binary; all where none is named."""
    default = (asked.parameters or {}).get("binary_data_output") is True
    if not asked.outputs:
        return dict.fromkeys(OUTPUTS, default)
    wanted = {}
    for place, output in enumerate(asked.outputs):
        if output.name not in OUTPUTS:
            raise InvalidInput(
                f'there is no output "{output.name}"',
                code="unknown_output",
                where=f"$.outputs[{place}].name",
                hint=f"the outputs are {', '.join(OUTPUTS)}",
            )
        wanted[output.name] = (output.parameters or {}).get("binary_data", default) is True
    return wanted


def _check_inputs(given: Sequence[str], fields: Mapping[str, Field]) -> None:
    """InvalidInput where these are not the names of the inputs, each once; those that may be null may be missing."""
    wrong = {
        "unknown": [name for name in given if name not in fields],
        "missing": [name for name, field in fields.items() if not field.nullable and name not in given],
        "given twice": [name for name, times in Counter(given).items() if times > 1],
    }
    told = [f"{what}: {', '.join(names[:_SHOWN])}" for what, names in wrong.items() if names]
    if told or not given:
        raise InvalidInput(
            f"not the inputs of the model; {'; '.join(told) or 'there are none'}",
            code="invalid_request",
            where="$.inputs",
            hint=f"the inputs are {', '.join(fields)}",
        )


# ---- tensors ---------------------------------------------------------------------------------------------------------


def _read_tensor(tensor: InputTensor, field: Field, raw: memoryview | None, place: int) -> list[Any]:
    """A value for each row, as a request has it."""
    rows = tensor.shape[0] if tensor.shape else -1
    if rows < 0 or tensor.shape[1:] not in ([], [1]):
        raise _bad_tensor(place, "shape", f"is {tensor.shape}, expected [rows] or [rows, 1]")
    is_number = field.kind in {"integer", "float"} and tensor.datatype in NUMBERS
    if not is_number and tensor.datatype != DATATYPES[field.kind]:
        said = f"is {tensor.datatype}, expected {DATATYPES[field.kind]} for the {field.kind} {field.name}"
        raise _bad_tensor(place, "datatype", said)
    values = _read_binary(raw, tensor, rows, place) if raw is not None else _read_json(tensor, place)
    if len(values) != rows:
        raise _bad_tensor(place, "data", f"holds {len(values)} values, and the shape says {rows}")
    if field.kind == "float" and not tensor.datatype.startswith("FP"):
        for row, value in enumerate(values):
            if value is not None and float(value) != value:
                raise _bad_tensor(place, f"data[{row}]", f"is {value}, which no FP64 holds exactly")
        return [None if value is None else float(value) for value in values]
    return values


def _read_json(tensor: InputTensor, place: int) -> list[Any]:
    """The values of `data`, nested or flat; each null, or of the tensor's type."""
    if tensor.data is None:
        raise _bad_tensor(place, "data", "is missing")
    flat = [value for one in tensor.data for value in (one if isinstance(one, list) else [one])]
    try:
        values: list[Any] = msgspec.convert(flat, _json_type(tensor.datatype))
    except msgspec.ValidationError as error:
        raise bad_field(error, f"$.inputs[{place}].data") from None
    if tensor.datatype in {"FP16", "FP32"}:  # written shorter than they are: the tensor holds the nearest one
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


def _take_binary(tensor: InputTensor, tail: memoryview, place: int) -> tuple[memoryview | None, memoryview]:
    """The bytes of a tensor, None where it stands in the JSON; and those behind them."""
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is None:
        return None, tail
    if type(size) is not int or not 0 <= size <= len(tail):
        raise _bad_tensor(place, "parameters.binary_data_size", f"is {size!r}, and {len(tail)} bytes are left")
    return tail[:size], tail[size:]


def _read_binary(raw: memoryview, tensor: InputTensor, rows: int, place: int) -> list[Any]:
    if tensor.datatype == "BYTES":
        try:
            return [text.decode() for text in _split_texts(raw)]
        except (struct.error, UnicodeDecodeError):
            raise _bad_tensor(place, "data", "is not UTF-8 texts, each behind its length in 4 bytes") from None
    dtype = np.dtype(NUMBERS.get(tensor.datatype, "<u1"))
    if len(raw) != rows * dtype.itemsize:
        raise _bad_tensor(place, "data", f"is {len(raw)} bytes, expected {rows * dtype.itemsize}")
    values = np.frombuffer(raw, dtype)
    return list((values.astype(bool) if tensor.datatype == "BOOL" else values).tolist())


def _split_texts(raw: memoryview) -> Iterator[bytes]:
    start = 0
    while start < len(raw):
        (length,) = struct.unpack_from("<I", raw, start)
        (text,) = struct.unpack_from(f"{length}s", raw, start + 4)
        yield text
        start += 4 + length


def _write_binary(values: Sequence[Any], datatype: str) -> bytes:
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))
    return np.array(values, NUMBERS[datatype]).tobytes()


def _json_length(call: Request, body: bytes) -> int | None:
    """How long the JSON before binary tensors is; None where there are none."""
    said = call.header(_LENGTH)
    if said is None:
        return None
    if not said.isdigit() or int(said[:20]) > len(body):
        raise InvalidInput(
            f"is {said.decode('latin-1')!r}, and the body has {len(body)} bytes",
            code="invalid_request",
            where="header inference-header-content-length",
            hint="it is the length of the JSON before the first binary tensor",
        )
    return int(said)


def _bad_tensor(place: int, part: str, what: str) -> InvalidInput:
    return InvalidInput(
        what,
        code="invalid_request",
        where=f"$.inputs[{place}].{part}",
        hint="GET /v2/models/NAME tells the inputs and their types",
    )
