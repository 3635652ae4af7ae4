"""The response to a request that failed, in the form of the protocol that its URL belongs to. Never a 500."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mlops_lab.errors import EnvironmentFault, MlopsError, TooSlow, Unauthorized, WrongMedia, WrongMethod
from mlops_lab.serving.http.messages import CLOSE, Header, Response
from mlops_lab.serving.protocols.base import Protocol

_log = logging.getLogger("mlops_lab.serving")


class ErrorResponses:
    """Makes the responses. Errors at paths that no protocol claims have the form of the first one."""

    def __init__(self, protocols: Sequence[Protocol]) -> None:
        self._protocols = protocols

    def make(self, error: Exception, *, method: str, path: str, request_id: str) -> tuple[str, Response]:
        """The code of the error, for the metrics, and the response.

        An error that nobody expected is logged with its trace; the client is told to look there.
        """
        if not isinstance(error, MlopsError):
            facts = {"method": method, "path": path, "request_id": request_id}
            _log.error("a request failed", exc_info=error, extra=facts)
            error = EnvironmentFault(
                "the server could not answer this request", code="internal", hint="see the server's log"
            )
        owner = next((protocol for protocol in self._protocols if protocol.owns_errors_of(path)), self._protocols[0])
        response = owner.error_response(error, request_id)
        return error.code, response._replace(headers=(*response.headers, *_headers_for(error)))


def _headers_for(error: MlopsError) -> list[Header]:
    """The headers that HTTP wants beside some statuses."""
    if isinstance(error, WrongMethod):
        return [(b"allow", b"GET, HEAD" if error.allowed == "GET" else error.allowed.encode())]
    if isinstance(error, Unauthorized):
        return [(b"www-authenticate", b"Bearer")]
    if isinstance(error, TooSlow):  # nobody knows where the next request would begin
        return [CLOSE]
    if isinstance(error, WrongMedia):
        return [(b"accept-encoding", b"gzip")]
    return []
