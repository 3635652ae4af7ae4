"""The ASGI application around a `Service`: routes, the routing table's follower, and never a 500."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mlops_lab.errors import EnvironmentFault, MlopsError, NotFound, TooSlow, Unauthorized, WrongMethod
from mlops_lab.ids import new_id
from mlops_lab.serving.answering.batching import Batcher
from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, keep_counts, read_counts
from mlops_lab.serving.answering.group_commit import Committer
from mlops_lab.serving.answering.malloc_trim import trim_memory
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.fast_path import FastRequest
from mlops_lab.serving.http.messages import (
    JSON,
    Header,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    decode_body,
    encode,
    error_reply,
)
from mlops_lab.serving.http.prometheus import write_metrics
from mlops_lab.serving.http.tokens import Guard
from mlops_lab.serving.protocols import mlflow, open_inference
from mlops_lab.serving.protocols.docs import Docs
from mlops_lab.serving.protocols.native import NativeProtocol, check_rows, list_decoder
from mlops_lab.serving.protocols.rows import RowsHandler

FOLLOW_SECONDS = 0.1
SHADOW_PATIENCE_SECONDS = 2.0
_TEXT: Header = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_CLOSE: Header = (b"connection", b"close")
_REQUEST_ID = re.compile(rb"[!-~]{1,128}")
_log = logging.getLogger("mlops_lab.serving")

Handler = Callable[..., Awaitable[Response]]


class App:
    """The application of one worker.

    POST /v1/predict              one request, or a list of them   → its answer, or theirs
    POST /v1/outcomes             {"outcomes": [...]}               → what became of each     (token)
    POST /v1/tables/NAME/rows     {"rows": [...]}                   → how many were new       (token)
    GET  /v1/status               what is live, where the journal stands
    GET  /metrics                 what all workers counted since the start, for Prometheus
    GET  /healthz                 alive
    /v2/…                         the Open Inference Protocol
    POST /invocations; GET /ping, /health, /version                MLflow's scoring protocol
    GET  /openapi.json, /docs     all of these, for programs and for people
    """

    def __init__(self, service: Service, *, guard: Guard, worker: int = 0, workers: int = 1) -> None:
        settings = service.project.settings.serving
        self._service = service
        self._guard = guard
        self._guards_predictions = guard.guards_predictions
        self._worker, self._workers = worker, workers
        self._max_body_bytes, self._max_rows = settings.max_body_bytes, settings.max_rows
        self._max_seconds = settings.request_seconds
        self._committer = Committer(service.journal, fsync=settings.durability == "fsync")
        self._batcher = Batcher(service, self._committer, answered=self._begin_shadows)
        self._shadowing: asyncio.Task[None] | None = None
        self._decode_outcomes = list_decoder("outcomes", service.schemas.outcome)
        self._decode_rows = {name: list_decoder("rows", kind) for name, kind in service.schemas.rows.items()}
        self._deployment_error: str | None = None
        self._request_prefix, self._request_numbers = new_id()[:12].encode(), itertools.count(1)
        folder = service.project.workers_path
        self._counts_paths = [counts_path(folder, other) for other in range(workers)]
        service.counts = self._counts = read_counts(self._counts_paths[worker])
        self._own = NativeProtocol(
            service.schemas, self._batcher, classes=tuple(service.project.classes), max_rows=settings.max_rows
        )
        door = RowsHandler(service.schemas, self._batcher, max_rows=settings.max_rows)
        v2, scoring = open_inference.OpenInference(service, door), mlflow.MlflowProtocol(service.schemas, door)
        docs = Docs(service)
        self._routes: dict[str, tuple[str, Handler]] = {
            "/v1/predict": ("POST", self._own.predict),
            "/v1/outcomes": ("POST", self._take_outcomes),
            "/v1/status": ("GET", self._tell_status),
            "/metrics": ("GET", self._tell_metrics),
            "/healthz": ("GET", self._tell_health),
            "/v2": ("GET", v2.tell_server),
            "/v2/health/live": ("GET", v2.tell_live),
            "/v2/health/ready": ("GET", v2.tell_ready),
            "/invocations": ("POST", scoring.invoke),
            "/ping": ("GET", scoring.ping),
            "/health": ("GET", scoring.ping),
            "/version": ("GET", scoring.tell_version),
            "/openapi.json": ("GET", docs.tell_document),
            "/docs": ("GET", docs.tell_page),
        }
        model = "/v2/models/([^/]+)(?:/versions/([^/]+))?"
        self._patterns: list[tuple[re.Pattern[str], str, str, Handler]] = [
            (re.compile(model + "/infer"), "/v2/models/{name}/infer", "POST", v2.infer),
            (re.compile(model + "/ready"), "/v2/models/{name}/ready", "GET", v2.tell_model_ready),
            (re.compile(model), "/v2/models/{name}", "GET", v2.tell_model),
            (re.compile("/v1/tables/([^/]+)/rows"), "/v1/tables/{name}/rows", "POST", self._take_rows),
            (re.compile("/docs/([^/]+)"), "/docs/{file}", "GET", docs.tell_file),
        ]

    # ---- requests ------------------------------------------------------------------------------------------------

    def is_hot(self, method: str, path: str) -> bool:
        """Whether `answer_hot` takes the requests of this route."""
        return path == "/v1/predict" and method == "POST"

    def answer_hot(self, exchange: FastRequest) -> None:
        """Answer a request for predictions."""
        began = time.perf_counter()

        def done(reply: Response | Exception) -> None:
            reason, request_id = None, self._request_id(exchange.headers)
            if isinstance(reply, Exception):
                reason, reply = _explain(reply, "POST", "/v1/predict", request_id)
            exchange.reply(Response(reply.status, reply.body, (*reply.headers, request_id)))
            seconds = time.perf_counter() - began
            self._counts.note_request("/v1/predict", reply.status, seconds=seconds, reason=reason)

        try:
            if self._guards_predictions:
                self._guard.check("POST", "/v1/predict", exchange.headers)
            self._own.start(exchange.body, done)
        except Exception as error:
            done(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        began = time.perf_counter()
        call = Request(scope, receive, max_body_bytes=self._max_body_bytes, max_seconds=self._max_seconds)
        route, reason, request_id = "", None, self._request_id(call.headers)
        try:
            route, handler, groups = self._find(call)
            self._guard.check(call.method, route, call.headers)
            reply = await handler(call, *groups)
        except Exception as error:
            reason, reply = _explain(error, call.method, call.path, request_id)
        await _send(reply._replace(headers=(*reply.headers, request_id)), send)
        self._counts.note_request(route, reply.status, seconds=time.perf_counter() - began, reason=reason)

    def refuse(self, error: MlopsError, headers: Sequence[Header]) -> Response:
        """The reply to a request that never became one, or was not to."""
        request_id = self._request_id(headers)
        self._counts.note_request("", error.status, seconds=0.0, reason=error.code)
        return Response(error.status, error_reply(error, request_id[1].decode()).body, (JSON, request_id, _CLOSE))

    async def turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request on a connection more than this worker keeps."""
        del receive
        busy = EnvironmentFault(
            "this server has as many connections as it keeps at once",
            code="too_many_connections",
            where="connection",
            hint="try again in a moment; keep connections open and use them again; or raise serving.max_connections",
        )
        await _send(self.refuse(busy, scope["headers"]), send)

    def _request_id(self, headers: Sequence[Header]) -> Header:
        """The id by which a client, a proxy and the log can speak of one request: the client's, or a new one."""
        for name, value in headers:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                return name, value
        return b"x-request-id", b"%b-%d" % (self._request_prefix, next(self._request_numbers))

    def _find(self, call: Request) -> tuple[str, Handler, tuple[str | None, ...]]:
        """The route, the handler and what the URL names; NotFound or WrongMethod."""
        found = self._routes.get(call.path)
        route: str = call.path
        groups: tuple[str | None, ...] = ()
        if found is None:
            for pattern, named, method, handler in self._patterns:
                if match := pattern.fullmatch(call.path):
                    found, route, groups = (method, handler), named, match.groups()
                    break
        if found is None:
            raise NotFound(
                f"there is no {call.path}",
                code="unknown_route",
                where="url",
                hint="POST /v1/predict, /v1/outcomes, /v1/tables/NAME/rows; GET /docs shows them all",
            )
        if found[0] != call.method:
            raise WrongMethod(call.method, allowed=found[0])
        return route, found[1], groups

    # ---- learning what happened ----------------------------------------------------------------------------------

    async def _take_outcomes(self, call: Request) -> Response:
        outcomes = decode_body(self._decode_outcomes, await call.body()).outcomes
        check_rows(len(outcomes), self._max_rows, where="$.outcomes")
        await self._end_shadows()  # what the challenger said is part of what is learned
        return await self._take_in(lambda: self._service.accept_outcomes(outcomes))

    async def _take_rows(self, call: Request, table: str) -> Response:
        self._service.schemas.row_type(table)
        rows = decode_body(self._decode_rows[table], await call.body()).rows
        check_rows(len(rows), self._max_rows, where="$.rows")
        return await self._take_in(lambda: self._service.accept_facts(table, rows))

    async def _take_in(self, work: Callable[[], dict[str, Any]]) -> Response:
        told = work()
        await self._committer.wait_until_durable()
        return Response(200, encode(told))

    # ---- what the server says of itself --------------------------------------------------------------------------

    async def _tell_status(self, _: Request) -> Response:
        deployment = self._service.models.routing_table
        generations = [counts.generation for counts in self._all_counts().values()]
        return Response(
            200,
            encode(
                {
                    "generation": min(generations),
                    "workers": len(generations),
                    "champion": deployment.champion.version,
                    "challenger": deployment.challenger.version if deployment.challenger else None,
                    "canary_share": deployment.canary_share,
                    "arms": {str(arm.live.version): arm.share for arm in deployment.arms},
                    "pending": self._service.pending,
                    "position": self._service.journal.position,
                    "deployment_error": self._deployment_error,
                }
            ),
        )

    async def _tell_metrics(self, _: Request) -> Response:
        return Response(200, write_metrics(self._all_counts()), (_TEXT,))

    async def _tell_health(self, _: Request) -> Response:
        return Response(200, b'{"status":"ok"}')

    def _all_counts(self) -> dict[int, WorkerCounts]:
        self._gauge()
        found = {other: read_counts(path) for other, path in enumerate(self._counts_paths) if other != self._worker}
        return dict(sorted({**found, self._worker: self._counts}.items()))

    def _gauge(self) -> None:
        models, journal = self._service.models, self._service.journal
        deployment = models.routing_table
        roles = {deployment.champion.version: "champion"}
        if deployment.challenger:
            roles[deployment.challenger.version] = "challenger"
        roles |= {arm.live.version: "arm" for arm in deployment.arms}
        self._counts.generation = deployment.generation
        self._counts.gauges = {
            "live": {(str(one.version), roles.get(one.version, "previous")): 1 for one in models.predictors},
            "pending": {(): self._service.pending},
            "log_position": {(): journal.position},
            "log_behind": {
                ("disk",): journal.position - journal.synced,
                ("lake",): journal.position - self._service.position_in_lake(),
            },
        }

    # ---- the life of the worker ------------------------------------------------------------------------------------

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._gauge()
        keep_counts(self._counts_paths[self._worker], self._counts)
        tasks = [asyncio.create_task(task) for task in (self._follow(), self._follow_tokens(), self._keep_counts())]
        self._begin_shadows()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await self._end_shadows()
        self._committer.close()
        self._service.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self) -> None:
        """Deploy the routing table anew whenever its file is replaced. What it needs is loaded in a thread."""
        path = self._service.project.deployment_path
        seen = None
        while True:
            try:
                stamp = path.stat()
                if (stamp.st_ino, stamp.st_mtime_ns) != seen:
                    seen = (stamp.st_ino, stamp.st_mtime_ns)
                    deployment = read_routing_table(path)
                    is_new = deployment != self._service.models.routing_table
                    if is_new:
                        prepared = await asyncio.to_thread(self._service.prepare, deployment)
                        self._service.switch_to(prepared)
                        del prepared
                        self._gauge()
                        keep_counts(self._counts_paths[self._worker], self._counts)
                    self._deployment_error = None  # before the next await: no status tells it beside the new version
                    if is_new:
                        await asyncio.to_thread(trim_memory)
            except (MlopsError, OSError) as error:
                self._deployment_error = str(error)
                _log.error("the new deployment was not taken over: %s", error)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _follow_tokens(self) -> None:
        """Know the tokens of the day; a deployment that takes its time must not keep a revoked one alive."""
        while True:
            self._guard.follow()
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _keep_counts(self) -> None:
        """Let the other workers know what this one counts."""
        while self._workers > 1:
            await asyncio.sleep(FOLLOW_SECONDS)
            self._gauge()
            keep_counts(self._counts_paths[self._worker], self._counts)

    def _begin_shadows(self) -> None:
        if self._shadowing is None and self._service.has_shadows:
            self._shadowing = asyncio.create_task(self._cast_shadows())

    async def _cast_shadows(self) -> None:
        """Score what waits for its shadow, in a thread: engines let others work meanwhile."""
        try:
            while (task := self._service.next_shadows()) is not None:
                self._service.note_shadows(task, await asyncio.to_thread(task.score))
        except MlopsError as error:
            _log.error("what a version in shadow said is not written down: %s", error)
        finally:
            self._shadowing = None

    async def _end_shadows(self) -> None:
        if self._shadowing is not None:
            await asyncio.wait([self._shadowing], timeout=SHADOW_PATIENCE_SECONDS)


async def _send(reply: Response, send: Send) -> None:
    headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _explain(error: Exception, method: str, path: str, request_id: Header) -> tuple[str, Response]:
    """The reason and the reply of a request that failed, as the protocol of its path has it. What nobody expected is
    the last line of defence's: the client gets a reason, the log gets the trace."""
    name = request_id[1].decode()
    if not isinstance(error, MlopsError):
        said = {"method": method, "path": path, "request_id": name}
        _log.error("a request failed", exc_info=error, extra=said)
        error = EnvironmentFault(
            "the server could not answer this request", code="internal", hint="see the server's log"
        )
    if path == "/invocations":
        reply = mlflow.tell_error(error)
    else:
        reply = open_inference.tell_error(error) if path.startswith("/v2") else error_reply(error, name)
    if isinstance(error, WrongMethod):
        reply = reply._replace(headers=(*reply.headers, (b"allow", error.allowed.encode())))
    if isinstance(error, Unauthorized):
        reply = reply._replace(headers=(*reply.headers, (b"www-authenticate", b"Bearer")))
    if isinstance(error, TooSlow):  # where its rest would begin is unknown
        reply = reply._replace(headers=(*reply.headers, _CLOSE))
    return error.code, reply
