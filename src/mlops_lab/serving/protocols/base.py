"""What a protocol is: its routes and what they need, the form of its errors, and its part of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlops_lab.errors import MlopsError
from mlops_lab.serving.answering.batching import Batcher
from mlops_lab.serving.answering.counts import WorkerCounts
from mlops_lab.serving.answering.group_commit import Committer
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.messages import Response
from mlops_lab.serving.http.tokens import Role
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.rows import RowsHandler

Json = dict[str, Any]
Handler = Callable[..., Awaitable[Response]]
Respond = Callable[[Response | Exception], None]


@dataclass(frozen=True, kw_only=True)
class HttpRoute:
    """A URL of a protocol and what answers it. Each URL takes one method.

    In `pattern`, `{name}` stands for one part of the path, and brackets enclose what may be left out:
    `/v2/models/{name}[/versions/{version}]`. The handler gets the request, then the text for each `{name}`, or None.
    """

    method: Literal["GET", "POST"]
    pattern: str
    handler: Handler
    role: Role | None = "operate"
    """The role that the client's token needs: "predict" (only where the server asks for tokens to predict),
    "operate", or None: no token."""
    describe: Callable[[Examples], Json] | None = None
    """The OpenAPI path items of this route, by path. Token and errors 401 and 403 follow from `role`."""
    start: Callable[[bytes, Respond], None] | None = None
    """Takes the body of a request on the fast path and responds now or later. At most one route has it."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """All that the server has to know about a protocol."""

    name: str
    tags: Mapping[str, str]
    """The sections of its operations in the OpenAPI document, with their descriptions."""
    routes: Sequence[HttpRoute]
    error_response: Callable[[MlopsError, str], Response]
    """An error in the protocol's form; the text is the id of the request."""
    error_paths: Sequence[str] = ()
    """The paths whose errors have this form, whether routed or not; `*` at the end stands for anything that follows.
    All other paths have the form of the first protocol."""
    schemas: Sequence[type] = ()
    """The msgspec types that its OpenAPI operations refer to by name."""
    refine_schemas: Callable[[Json], None] | None = None
    """Adds to the OpenAPI schemas, by name, what only the project knows."""

    def owns_errors_of(self, path: str) -> bool:
        """Whether errors at this path have this protocol's form."""
        return any(
            path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern for pattern in self.error_paths
        )


@dataclass(frozen=True, kw_only=True)
class ProtocolContext:
    """The parts of a worker that the handlers of protocols may use."""

    service: Service
    batcher: Batcher
    committer: Committer
    rows: RowsHandler
    finish_shadows: Callable[[], Awaitable[None]]
    """Waits until the requests for versions in shadow are scored, but not for long."""
    read_all_counts: Callable[[], dict[int, WorkerCounts]]
    """The counts of all workers, by the number of the worker."""
    check_disk: Callable[[], Awaitable[None]]
    """EnvironmentFault where nothing can be written."""
    describe_api: Callable[[], Json]
    """The OpenAPI document of all protocols."""


MakeProtocol = Callable[[ProtocolContext], Protocol]
