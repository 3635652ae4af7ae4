"""The page for people at /docs: Swagger UI, from the files of a package. It asks nobody but this server."""

from __future__ import annotations

from html import escape
from importlib.metadata import version as version_of
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from mlops_lab.errors import EnvironmentFault, NotFound
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.messages import Header, Request, Response, encode

_PACKAGE = "flask-swagger-ui"
_SWAGGER = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_OWN = {"docs.css": b"text/css; charset=utf-8", "docs.js": b"text/javascript; charset=utf-8"}
_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
)
_KEPT: Header = (b"cache-control", b"public, max-age=86400")


class Docs:
    """GET /openapi.json, /docs and /docs/FILE. Made and read when they are first asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._document: bytes | None = None

    async def tell_document(self, _: Request) -> Response:
        """The OpenAPI document."""
        if self._document is None:
            from mlops_lab.serving.protocols.openapi import describe  # nothing that a server needs to start

            self._document = encode(describe(self._service))
        return Response(200, self._document)

    async def tell_page(self, _: Request) -> Response:
        """The page itself."""
        page = Template(_own("docs.html").decode())
        body = page.substitute(project=escape(self._service.project.name), version=version_of(_PACKAGE))
        return Response(200, body.encode(), ((b"content-type", b"text/html; charset=utf-8"), _POLICY))

    async def tell_file(self, _: Request, name: str) -> Response:
        """A file that the page needs; NotFound for any other."""
        if name in _OWN:
            return Response(200, _own(name), ((b"content-type", _OWN[name]), _KEPT))
        if name not in _SWAGGER:
            raise NotFound(f"there is no /docs/{name}", code="unknown_route", where="url", hint="GET /docs")
        return Response(200, (_swagger_folder() / name).read_bytes(), ((b"content-type", _SWAGGER[name]), _KEPT))


def _own(name: str) -> bytes:
    return files("mlops_lab.serving.protocols").joinpath(name).read_bytes()


def _swagger_folder() -> Path:
    """Where Swagger UI lies. The package is not imported: that would bring Flask."""
    spec = find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise EnvironmentFault(
            "Swagger UI is not installed", code="missing_package", where=_PACKAGE, hint=f"pip install {_PACKAGE}"
        )
    return Path(spec.origin).parent / "dist"
