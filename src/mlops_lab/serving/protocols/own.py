"""Our own JSON: requests, outcomes and rows, as `mlops.toml` declares them."""

from __future__ import annotations

from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput, TooLarge
from mlops_lab.serving.batching import Batcher
from mlops_lab.serving.doors import Doors
from mlops_lab.serving.http import Call, Reply, decode_body, encode
from mlops_lab.serving.records import PredictionRecord


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a client gets for a request: a probability, a number, or the probability of every class; `missing`, where
    there is one: views that knew nothing of it, and why."""

    id: str
    output: float | dict[str, float]
    version: int
    role: str
    missing: dict[str, str] = {}


class OwnProtocol:
    """POST /v1/predict: one request, as an object, or many, as a list."""

    def __init__(self, doors: Doors, batcher: Batcher, *, classes: tuple[str, ...], max_rows: int) -> None:
        self._ask = batcher.ask
        self._classes = classes
        self._max_rows = max_rows
        self._decode_one = msgspec.json.Decoder(doors.request).decode
        self._decode_many = msgspec.json.Decoder(list[doors.request]).decode  # type: ignore[name-defined]

    async def predict(self, call: Call) -> Reply:
        """An answer; or a list that holds in the place of each request its answer, or its error."""
        body = await call.body()
        if body[:1] == b"[" or body.lstrip()[:1] == b"[":
            return await self._predict_many(body)
        [record] = await self._ask([decode_body(self._decode_one, body)])
        if isinstance(record, InvalidInput):
            raise record
        return Reply(200, encode(self._say(record)))

    async def _predict_many(self, body: bytes) -> Reply:
        requests = decode_body(self._decode_many, body)
        check_rows(len(requests), self._max_rows, where="$")
        records = await self._ask(requests) if requests else []
        return Reply(200, encode([self._say(record) for record in records]))

    def _say(self, record: PredictionRecord | InvalidInput) -> Any:
        if isinstance(record, InvalidInput):
            return {"error": record.as_dict()}
        output = record.output
        told = dict(zip(self._classes, output, strict=True)) if isinstance(output, list) else output
        return Answer(record.id, told, record.version, record.role, record.missing)


def check_rows(rows: int, most: int, *, where: str) -> None:
    """TooLarge where a request has more rows than the server takes at once."""
    if rows > most:
        raise TooLarge(
            f"{rows:,} rows at once, and {most:,} are allowed",
            code="too_many_rows",
            where=where,
            hint="send fewer at a time, or raise serving.max_rows; `mlops score` is made for files",
        )


def list_decoder(name: str, kind: type[msgspec.Struct]) -> Any:
    """A decoder of `{name: [kind, …]}`."""
    wrapper = msgspec.defstruct(name.capitalize(), [(name, list[kind])], forbid_unknown_fields=True)  # type: ignore[valid-type]
    return msgspec.json.Decoder(wrapper).decode
