"""What the server says about itself: status, metrics, health, and its documentation."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from mlops_lab.serving.http.messages import Header, Request, Response, encode, error_response
from mlops_lab.serving.http.prometheus import write_metrics
from mlops_lab.serving.protocols.base import Handler, HttpRoute, Json, Protocol, ProtocolContext
from mlops_lab.serving.protocols.docs import DocsHandler, Home
from mlops_lab.serving.protocols.operations import Error, describe_get, ref
from mlops_lab.serving.protocols.verdict import Gate, verdict_routes
from mlops_lab.tables.rollout_verdict import CurrentVerdict

_TAG = "Server"
_METRICS: Header = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_TEXT = {"type": "string"}


class ServerStatus(msgspec.Struct):
    """Which versions are live, how many predictions wait for their outcome, and the position of the log.

    `generation` is that of the routing table in use, the oldest of all workers; `generations` has it for each worker.
    `deployment_error` says why a worker could not take the newest table over, and `not_loaded` by version why a version
    beside the champion is not ready: the champion answers for it.
    """

    generation: int
    generations: dict[str, int]
    workers: int
    champion: int
    challenger: int | None
    canary_share: float
    arms: dict[str, float]
    pending: int
    position: int
    deployment_error: str | None
    not_loaded: dict[str, str]


class Health(msgspec.Struct):
    """The server is alive, or ready to answer."""

    status: Literal["ok"]


def make_server_protocol(context: ProtocolContext) -> Protocol:
    """The URLs at which the server says how it is. None needs a token."""
    status = StatusHandler(context)
    docs = DocsHandler(
        context.service.project.name,
        champion=lambda: context.service.models.champion.version,
        describe_api=context.describe_api,
    )
    return Protocol(
        name="server",
        tags={_TAG: "What is live, and how the server is."},
        routes=[
            _read("/v1/status", status.get_status, "What is live", ref("ServerStatus"), errors=(503,)),
            *verdict_routes(context.service),
            _read(
                "/metrics",
                status.get_metrics,
                "What was counted, for Prometheus",
                _TEXT,
                media="text/plain",
                errors=(503,),
            ),
            _read("/healthz", status.get_health, "Alive", ref("Health")),
            _read(
                "/readyz", status.get_ready, "Ready: what is answered now can be written", ref("Health"), errors=(503,)
            ),
            _read("/", docs.get_home, "What is here: for browsers, as a page", ref("Home")),
            _read("/openapi.json", docs.get_document, "This document", {"type": "object"}),
            _read("/docs", docs.get_page, "This document as a page", _TEXT, media="text/html"),
            # not documented: only the pages themselves need their files
            HttpRoute(method="GET", pattern="/docs/{file}", handler=docs.get_file, role=None),
        ],
        error_response=error_response,
        schemas=[ServerStatus, CurrentVerdict, Gate, Health, Home, Error],
    )


def _read(path: str, handler: Handler, summary: str, response: Json, **more: Any) -> HttpRoute:
    """A route that anybody may read."""
    item = describe_get(_TAG, summary, response, **more)
    return HttpRoute(method="GET", pattern=path, handler=handler, role=None, describe=lambda _: {path: item})


class StatusHandler:
    """GET /v1/status, /metrics, /healthz and /readyz."""

    def __init__(self, context: ProtocolContext) -> None:
        self._service = context.service
        self._read_all_counts = context.read_all_counts
        self._check_disk = context.check_disk

    async def get_status(self, _: Request) -> Response:
        """Which versions are live, and the state of the journal."""
        routing = self._service.models.routing_table
        workers = self._read_all_counts()
        errors = [counts.deployment_error for counts in workers.values() if counts.deployment_error]
        faults = {version: why for counts in workers.values() for version, why in counts.faults.items()}
        status = ServerStatus(
            generation=min(counts.generation for counts in workers.values()),
            generations={str(worker): counts.generation for worker, counts in workers.items()},
            workers=len(workers),
            champion=routing.champion.version,
            challenger=routing.challenger.version if routing.challenger else None,
            canary_share=routing.canary_share,
            arms={str(arm.live.version): arm.share for arm in routing.arms},
            pending=self._service.pending,  # `read_all_counts` has caught up with the other workers
            position=self._service.journal.position,
            deployment_error=errors[0] if errors else None,
            not_loaded={str(version): why for version, why in faults.items()},
        )
        return Response(200, encode(status))

    async def get_metrics(self, _: Request) -> Response:
        """What all workers counted since the start, for Prometheus."""
        return Response(200, write_metrics(self._read_all_counts()), (_METRICS,))

    async def get_health(self, _: Request) -> Response:
        """The server is alive."""
        return Response(200, b'{"status":"ok"}')

    async def get_ready(self, _: Request) -> Response:
        """The server can answer; EnvironmentFault where nothing can be written."""
        await self._check_disk()
        return Response(200, b'{"status":"ok"}')
