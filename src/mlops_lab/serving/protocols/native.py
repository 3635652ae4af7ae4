"""Our own JSON: requests, outcomes and rows, as `mlops.toml` declares them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput, TooLarge
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.answers import Answers
from mlops_lab.serving.answering.batching import Batcher, promise
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.http.messages import Request, Response, decode_body, encode


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a client gets for a request: a probability, a number, or the probability of every class; `missing`, where
    there is one: views that knew nothing of it, and why."""

    id: str
    output: float | dict[str, float]
    version: int
    role: str
    missing: dict[str, str] = {}


class NativeProtocol:
    """POST /v1/predict: one request, as an object, or many, as a list."""

    def __init__(self, doors: Schemas, batcher: Batcher, *, classes: tuple[str, ...], max_rows: int) -> None:
        self._submit = batcher.submit
        self._classes = classes
        self._max_rows = max_rows
        self._decode_one = msgspec.json.Decoder(doors.request).decode
        self._decode_many = msgspec.json.Decoder(list[doors.request]).decode  # type: ignore[name-defined]

    def start(self, body: bytes, done: Callable[[Response | Exception], None]) -> None:
        """Answer a body: `done` gets the reply to an object, or for a list one that holds in the place of each request
        its answer or its error. MlopsError where it cannot be decoded."""
        if body[:1] != b"[" and body.lstrip()[:1] != b"[":

            def answered(answers: Answers | Exception) -> None:
                answer = answers if isinstance(answers, Exception) else answers[0]
                done(answer if isinstance(answer, Exception) else Response(200, encode(self._say(answer))))

            self._submit([decode_body(self._decode_one, body)], answered)
            return
        requests = decode_body(self._decode_many, body)
        check_rows(len(requests), self._max_rows, where="$")

        def all_answered(answers: Answers | Exception) -> None:
            reply = (
                answers
                if isinstance(answers, Exception)
                else Response(200, encode([self._say(one) for one in answers]))
            )
            done(reply)

        if requests:
            self._submit(requests, all_answered)
        else:
            done(Response(200, b"[]"))

    async def predict(self, call: Request) -> Response:
        """As `start`, for a request that came the usual way."""
        future, done = promise(Response)
        self.start(await call.body(), done)
        return await future

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
