"""Stands before every request of the page: keeps other sites out, and tells browsers to load nothing else."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlops_lab.errors import MlopsError
from mlops_lab.serving.http.site_guard import SiteGuard

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Guard:
    """Refuses requests for other names and from the pages of other sites, as the server of predictions does."""

    def __init__(self, app: ASGIApp, *, host: str) -> None:
        self._app = app
        self._sites = SiteGuard(host, ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] == "http":
            try:
                self._sites.check(scope["method"], scope["headers"])
            except MlopsError as error:
                answer = JSONResponse({"error": error.as_dict()}, status_code=error.status)
                await answer(scope, receive, send_guarded)
                return
        await self._app(scope, receive, send_guarded)
