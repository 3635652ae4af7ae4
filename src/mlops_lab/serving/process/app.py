"""The application of one worker: it takes HTTP requests to the routes of all protocols."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from functools import partial

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.ids import new_id
from mlops_lab.serving.answering.batching import Batcher
from mlops_lab.serving.answering.group_commit import Committer
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.http.compression import decompress
from mlops_lab.serving.http.fast_path import FastRequest
from mlops_lab.serving.http.messages import (
    CLOSE,
    JSON,
    Header,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    error_response,
    find_header,
)
from mlops_lab.serving.http.site_guard import SiteGuard
from mlops_lab.serving.process.background import BackgroundTasks
from mlops_lab.serving.process.disk_probe import DiskProbe
from mlops_lab.serving.process.error_responses import ErrorResponses
from mlops_lab.serving.process.shadow_runner import ShadowRunner
from mlops_lab.serving.process.shared_counts import SharedCounts
from mlops_lab.serving.protocols.base import Json, MakeProtocol, ProtocolContext
from mlops_lab.serving.protocols.registered import PROTOCOLS
from mlops_lab.serving.protocols.router import Router, label_of
from mlops_lab.serving.protocols.rows import RowsHandler

_REQUEST_ID = re.compile(rb"[!-~]{1,128}")


class App:
    """The ASGI application around a `Service`. `protocols` are what clients can speak: see `serving.protocols`."""

    def __init__(
        self,
        service: Service,
        *,
        authorizer: Authorizer,
        worker: int = 0,
        workers: int = 1,
        protocols: Sequence[MakeProtocol] = PROTOCOLS,
    ) -> None:
        settings = service.project.settings.serving
        self._service = service
        self._authorizer = authorizer
        self._guard = SiteGuard(settings.host, settings.allowed_hosts)
        self._max_body_bytes, self._max_seconds = settings.max_body_bytes, settings.request_seconds
        self._committer = Committer(service.journal, fsync=settings.durability == "fsync")
        self._shadows = ShadowRunner(service)
        self._shared_counts = SharedCounts(service, worker=worker, workers=workers)
        self._counts = self._shared_counts.own
        self._background = BackgroundTasks(service, self._shared_counts)
        self._request_prefix, self._request_numbers = new_id()[:12].encode(), itertools.count(1)
        batcher = Batcher(service, self._committer, answered=self._shadows.start)
        context = ProtocolContext(
            service=service,
            batcher=batcher,
            committer=self._committer,
            rows=RowsHandler(service.schemas, batcher, max_rows=settings.max_rows),
            finish_shadows=self._shadows.finish,
            read_all_counts=self._shared_counts.read_all,
            check_disk=DiskProbe(service.journal.path).check,
            describe_api=self._describe_api,
        )
        self.protocols = [make(context) for make in protocols]
        self.routes = [route for protocol in self.protocols for route in protocol.routes]
        self._router = Router(self.routes)
        self._shared_counts.prediction_routes = {label_of(route) for route in self.routes if route.role == "predict"}
        self._errors = ErrorResponses(self.protocols)
        fast = next(route for route in self.routes if route.start is not None)
        assert fast.start is not None
        self._fast_path, self._fast_method, self._start_fast = fast.pattern, fast.method, fast.start
        self._fast_role = fast.role if fast.role != "predict" or authorizer.needs_token_to_predict else None

    # ---- requests ------------------------------------------------------------------------------------------------

    def is_fast_route(self, method: str, path: str) -> bool:
        """Whether `answer_fast` takes the requests of this route."""
        return path == self._fast_path and method == self._fast_method

    def answer_fast(self, request: FastRequest) -> None:
        """Answer a request that took the fast path, now or later."""
        began = time.perf_counter()

        def respond(response: Response | Exception) -> None:
            reason, request_id = None, self._request_id(request.headers)
            if isinstance(response, Exception):
                reason, response = self._errors.make(
                    response, method=self._fast_method, path=self._fast_path, request_id=request_id[1].decode()
                )
            request.respond(Response(response.status, response.body, (*response.headers, request_id)))
            seconds = time.perf_counter() - began
            self._counts.note_request(self._fast_path, response.status, seconds=seconds, reason=reason)

        try:
            self._guard.check(self._fast_method, request.headers)
            if self._fast_role:
                self._authorizer.check(self._fast_role, request.headers)
            coding, body = find_header(request.headers, b"content-encoding"), request.body
            self._start_fast(
                body if coding is None else decompress(body, coding, max_bytes=self._max_body_bytes), respond
            )
        except Exception as error:
            respond(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; or start and stop, where the server says so."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive, max_body_bytes=self._max_body_bytes, max_seconds=self._max_seconds)
        label, reason, request_id = "", None, self._request_id(request.headers)
        try:
            self._guard.check(request.method, request.headers)
            method = "GET" if request.method == "HEAD" else request.method
            route, label, values = self._router.find(method, request.path)
            request.authorize = partial(self._authorizer.check, route.role, request.headers)
            request.authorize()
            response = await route.handler(request, *values)
        except Exception as error:
            reason, response = self._errors.make(
                error, method=request.method, path=request.path, request_id=request_id[1].decode()
            )
        also = (request_id, CLOSE) if request.must_close else (request_id,)
        response = response._replace(headers=(*response.headers, *also))
        await _send(response, send, with_body=request.method != "HEAD")
        self._counts.note_request(label, response.status, seconds=time.perf_counter() - began, reason=reason)

    def reject(self, error: MlopsError, headers: Sequence[Header]) -> Response:
        """The response to what did not become a request, or comes over a connection that is not kept."""
        request_id = self._request_id(headers)
        self._counts.note_request("", error.status, seconds=0.0, reason=error.code)
        return Response(error.status, error_response(error, request_id[1].decode()).body, (JSON, request_id, CLOSE))

    async def reject_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request on a connection beyond the limit of this worker."""
        del receive
        too_many = EnvironmentFault(
            "this server has as many connections as it keeps at once",
            code="too_many_connections",
            where="connection",
            hint="try again in a moment; keep connections open and use them again; or raise serving.max_connections",
        )
        await _send(self.reject(too_many, scope["headers"]), send)

    def _request_id(self, headers: Sequence[Header]) -> Header:
        """The id that a client, a proxy and the log have for one request: the client's, or a new one."""
        for name, value in headers:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                return name, value
        return b"x-request-id", b"%b-%d" % (self._request_prefix, next(self._request_numbers))

    def _describe_api(self) -> Json:
        from mlops_lab.serving.protocols.openapi import describe_api  # a server does not need it to start

        return describe_api(self._service, self.protocols)

    # ---- start and stop ------------------------------------------------------------------------------------------

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._background.start()
        self._shadows.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._background.stop()
        await self._shadows.finish()
        self._committer.close()
        self._service.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _send(response: Response, send: Send, *, with_body: bool = True) -> None:
    headers = [*response.headers, (b"content-length", b"%d" % len(response.body))]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body if with_body else b""})
