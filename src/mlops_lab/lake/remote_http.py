"""Reads files over HTTPS. User and password come from ~/.netrc, proxies and certificates from the environment."""

from __future__ import annotations

import base64
import http.client
import netrc
import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import IO
from urllib.parse import urlsplit

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, NotFound

TIMEOUT_SECONDS = 30.0
"""How long a server may be silent."""


class HttpContent:
    """The body of a response."""

    def __init__(self, response: http.client.HTTPResponse, shown: str) -> None:
        self._response = response
        self._shown = shown
        self.etag = response.headers.get("ETag", "")
        length = response.headers.get("Content-Length", "")
        self.size_bytes = int(length) if length.isdecimal() else None

    def read(self, size: int) -> bytes:
        """The next bytes; EnvironmentFault where the server breaks off."""
        try:
            return self._response.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise _connection_error(error, self._shown) from None

    def close(self) -> None:
        """Close the connection."""
        self._response.close()


def open_http(address: str, shown: str, *, etag: str = "") -> HttpContent | None:
    """The file at the address; None where the server says that it still has this etag."""
    request = urllib.request.Request(address.partition("#")[0], headers={"Accept-Encoding": "identity"})
    if etag:
        request.add_header("If-None-Match", etag)
    if credentials := _find_credentials(urlsplit(address).hostname or ""):
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        return HttpContent(opener.open(request, timeout=TIMEOUT_SECONDS), shown)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.NOT_MODIFIED:
            return None
        raise _status_error(error, shown, with_credentials=bool(credentials)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _connection_error(error, shown) from None


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from HTTPS to HTTP."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(
                req.full_url, code, "it redirects to an address without encryption", headers, fp
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _find_credentials(host: str) -> str:
    """User and password of ~/.netrc for the host, as HTTP wants them; "" where there are none."""
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return ""
    return base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode() if found else ""


def _status_error(error: urllib.error.HTTPError, shown: str, *, with_credentials: bool) -> MlopsError:
    if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return NotFound(f"does not exist (HTTP {error.code})", code="no_file", where=shown, hint="check the address")
    if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        used = "the user and password of ~/.netrc" if with_credentials else "no user and password"
        hint = f"{used} were sent; check `machine HOST login USER password PASSWORD` in ~/.netrc, or the signature"
        return EnvironmentFault(f"the server refuses (HTTP {error.code})", code="not_allowed", where=shown, hint=hint)
    if error.code < HTTPStatus.BAD_REQUEST:
        hint = "name the address that it redirects to"
        return InvalidInput(f"cannot be followed: {error.reason}", code="bad_redirect", where=shown, hint=hint)
    hint = "run it again later; nothing was changed"
    return EnvironmentFault(f"the server failed (HTTP {error.code})", code="download_failed", where=shown, hint=hint)


def _connection_error(error: Exception, shown: str) -> EnvironmentFault:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        what = f"the server was silent for {TIMEOUT_SECONDS:g} seconds"
    elif isinstance(reason, ssl.SSLCertVerificationError):
        what = f"the server's certificate is not trusted: {reason.verify_message}"
    else:
        what = f"cannot be reached: {getattr(reason, 'strerror', None) or type(reason).__name__}"
    hint = "check the address and the network, and run it again; nothing was changed"
    return EnvironmentFault(what, code="download_failed", where=shown, hint=hint)
