"""Predictions in our own JSON: one request, as an object, or many, as a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.answers import Answers
from mlops_lab.serving.answering.batching import Batcher, promise
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.http.messages import Request, Response, decode_body, encode, make_decoder, make_list_decoder
from mlops_lab.serving.protocols.rows import check_row_count


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a client gets for a request: a probability, a number, or the probability of every class. `missing` names
    the views that knew nothing of it, if there are any, and why."""

    id: str
    output: float | dict[str, float]
    version: int
    role: str
    missing: dict[str, str] = {}


class PredictHandler:
    """POST /v1/predict."""

    def __init__(self, schemas: Schemas, batcher: Batcher, *, classes: tuple[str, ...], max_rows: int) -> None:
        self._submit = batcher.submit
        self._classes = classes
        self._max_rows = max_rows
        self._decode_one = make_decoder(schemas.request)
        self._decode_many = make_list_decoder(schemas.requests)

    def start(self, body: bytes, respond: Callable[[Response | Exception], None]) -> None:
        """Answer a body. `respond` gets the response: to an object its answer, to a list a list that holds at the index
        of each request its answer or its error. MlopsError where the body cannot be decoded."""
        if body[:1] != b"[" and body.lstrip()[:1] != b"[":

            def respond_to_one(answers: Answers | Exception) -> None:
                answer = answers if isinstance(answers, Exception) else answers[0]
                respond(answer if isinstance(answer, Exception) else Response(200, encode(self._format(answer))))

            self._submit([decode_body(self._decode_one, body)], respond_to_one)
            return
        requests = decode_body(self._decode_many, body)
        check_row_count(len(requests), self._max_rows, where="$")

        def respond_to_all(answers: Answers | Exception) -> None:
            respond(
                answers if isinstance(answers, Exception) else Response(200, encode(list(map(self._format, answers))))
            )

        if requests:
            self._submit(requests, respond_to_all)
        else:
            respond(Response(200, b"[]"))

    async def predict(self, request: Request) -> Response:
        """As `start`, for a request that did not take the fast path."""
        future, respond = promise(Response)
        self.start(await request.body(), respond)
        return await future

    def _format(self, record: PredictionRecord | InvalidInput) -> Any:
        if isinstance(record, InvalidInput):
            return {"error": record.as_dict()}
        output = record.output
        shown = dict(zip(self._classes, output, strict=True)) if isinstance(output, list) else output
        return Answer(record.id, shown, record.version, record.role, record.missing)
