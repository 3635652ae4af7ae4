"""HTTP around a `Service`: decode and check at the door, answer what is waiting together, never a 500."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, NotFound, Unauthorized
from mlops_lab.serving.deployment import read_deployment
from mlops_lab.serving.metrics import write_metrics
from mlops_lab.serving.records import PredictionRecord
from mlops_lab.serving.service import Service

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 8 * 1024 * 1024
FOLLOW_SECONDS = 0.1

_log = logging.getLogger("mlops_lab.serving")
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client gets for a request: a probability, a number, or the probability of every class; `missing`, where
    there is one: views that knew nothing of it, and why."""

    id: str
    output: float | dict[str, float]
    version: int
    role: str
    missing: dict[str, str] = {}


class App:
    """The ASGI application.

    POST /v1/predict              one request            → its answer
    POST /v1/outcomes             {"outcomes": [...]}     → what became of each     (token)
    POST /v1/tables/NAME/rows     {"rows": [...]}         → how many were new       (token)
    GET  /v1/status               what is live, where the journal stands
    GET  /metrics                 answers, refusals and missing features since the start, for Prometheus
    GET  /healthz                 alive
    """

    def __init__(self, service: Service, *, token: str) -> None:
        self._service = service
        self._token = token.encode()
        self._classes = service.project.classes
        self._waiting: list[tuple[msgspec.Struct, asyncio.Future[PredictionRecord]]] = []
        self._decode_request = msgspec.json.Decoder(service.request_type).decode
        self._decode_outcomes = _list_decoder("outcomes", service.outcome_type)
        self._decode_rows = {name: _list_decoder("rows", kind) for name, kind in service.row_types.items()}
        self._deployment_error: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        kind = b"application/json"
        try:
            status, body = await self._dispatch(scope, receive)
            if scope["path"] == "/metrics":
                kind = b"text/plain; version=0.0.4; charset=utf-8"
        except MlopsError as error:
            status, body = error.status, _encode({"error": error.as_dict()})
        except Exception:  # the last line of defence: the client gets a reason, the log gets the trace
            _log.exception("a request failed: %s %s", scope["method"], scope["path"])
            fault = EnvironmentFault(
                "the server could not answer this request", code="internal", hint="see the server's log"
            )
            status, body = fault.status, _encode({"error": fault.as_dict()})
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _dispatch(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        path, method = scope["path"], scope["method"]
        if path == "/v1/predict":
            _require(method, "POST")
            return 200, await self._predict(await _read_body(receive))
        if path == "/v1/outcomes":
            _require(method, "POST")
            self._check_token(scope)
            outcomes = _decode(self._decode_outcomes, await _read_body(receive)).outcomes
            return 200, _encode(self._service.accept_outcomes(outcomes))
        if match := re.fullmatch(r"/v1/tables/([^/]+)/rows", path):
            _require(method, "POST")
            self._check_token(scope)
            self._service.row_type(match[1])
            rows = _decode(self._decode_rows[match[1]], await _read_body(receive)).rows
            return 200, _encode(self._service.accept_facts(match[1], rows))
        if path == "/v1/status":
            _require(method, "GET")
            return 200, _encode(self._status())
        if path == "/metrics":
            _require(method, "GET")
            return 200, write_metrics(self._service.counted)
        if path == "/healthz":
            _require(method, "GET")
            return 200, b'{"status":"ok"}'
        raise NotFound(
            f"there is no {path}",
            code="unknown_route",
            where="url",
            hint="POST /v1/predict, /v1/outcomes, /v1/tables/NAME/rows; GET /v1/status, /metrics, /healthz",
        )

    async def _predict(self, body: bytes) -> bytes:
        request = _decode(self._decode_request, body)
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)  # runs after all that has already arrived has been decoded
        future: asyncio.Future[PredictionRecord] = loop.create_future()
        self._waiting.append((request, future))
        record = await future
        output = (
            dict(zip(self._classes, record.output, strict=True)) if isinstance(record.output, list) else record.output
        )
        return _encode(Answer(record.id, output, record.version, record.role, record.missing))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            answers = self._service.predict([request for request, _ in waiting])
        except Exception as error:  # each client that waits gets it as its own answer
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if future.done():  # its client went away
                continue
            if isinstance(answer, InvalidInput):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _check_token(self, scope: Scope) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, b"Bearer " + self._token):
            raise Unauthorized(
                "the token is missing or wrong",
                code="bad_token",
                where="header authorization",
                hint='send "Authorization: Bearer TOKEN" with the token in .mlops/token',
            )

    def _status(self) -> dict[str, Any]:
        deployment = self._service.models.deployment
        return {
            "generation": deployment.generation,
            "champion": deployment.champion.version,
            "challenger": deployment.challenger.version if deployment.challenger else None,
            "canary_share": deployment.canary_share,
            "pending": self._service.pending,
            "position": self._service.journal.position,
            "deployment_error": self._deployment_error,
        }

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        follower = asyncio.create_task(self._follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        follower.cancel()
        self._service.journal.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self) -> None:
        """Deploy the routing table anew whenever its file is replaced."""
        path = self._service.project.deployment_path
        seen = None
        while True:
            try:
                stamp = path.stat()
                if (stamp.st_ino, stamp.st_mtime_ns) != seen:
                    seen = (stamp.st_ino, stamp.st_mtime_ns)
                    deployment = read_deployment(path)
                    if deployment != self._service.models.deployment:
                        self._service.deploy(deployment)
                    self._deployment_error = None
            except (MlopsError, OSError) as error:
                self._deployment_error = str(error)
                _log.error("the new deployment was not taken over: %s", error)
            await asyncio.sleep(FOLLOW_SECONDS)


def _list_decoder(name: str, kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    wrapper = msgspec.defstruct(name.capitalize(), [(name, list[kind])], forbid_unknown_fields=True)  # type: ignore[valid-type]
    return msgspec.json.Decoder(wrapper).decode


def _decode(decode: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise InvalidInput(
            what,
            code="invalid_request",
            where=where.strip("`") or "$",
            hint="the fields and their types stand in mlops.toml; a moment needs a zone: 2013-03-01T05:00:00Z",
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"the body is not JSON: {error}", code="invalid_json", where="$", hint="send one JSON object in UTF-8"
        ) from None


async def _read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            break
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInput(
            f"the body is larger than {MAX_BODY_BYTES} bytes",
            code="body_too_large",
            where="$",
            hint="send fewer rows at a time",
        )
    return body


def _require(method: str, expected: str) -> None:
    if method != expected:
        raise InvalidInput(
            f"this route takes {expected}, not {method}", code="wrong_method", where="method", hint=f"use {expected}"
        )
