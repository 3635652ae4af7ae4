"""The pages for people: / says what is here; /docs is Swagger UI, from the files of a package. They need nothing but
this server."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib.metadata import version as version_of
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

import msgspec

from mlops_lab.errors import EnvironmentFault, NotFound
from mlops_lab.serving.http.messages import Header, Request, Response, encode
from mlops_lab.serving.protocols.operations import Json

_PACKAGE = "flask-swagger-ui"
_SWAGGER_FILES = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_OWN_FILES = {
    "docs.css": b"text/css; charset=utf-8",
    "docs.js": b"text/javascript; charset=utf-8",
    "home.css": b"text/css; charset=utf-8",
}
_LINKS = {
    "docs": "what the server takes and answers, to try out",
    "openapi.json": "the same for programs",
    "v1/status": "which versions answer",
    "v1/rollout/verdict": "what the loop says of the newest version: promote, hold or roll back",
    "metrics": "what was counted, for Prometheus",
    "readyz": "whether it can answer now",
}
_HTML: Header = (b"content-type", b"text/html; charset=utf-8")
_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
)
_CACHE: Header = (b"cache-control", b"public, max-age=86400")


class Home(msgspec.Struct):
    """The project, the version that answers, and what can be read here."""

    project: str
    champion: int
    links: dict[str, str]


class DocsHandler:
    """GET /, /openapi.json, /docs and /docs/FILE. What they show is made or read when it is first requested."""

    def __init__(self, project: str, *, champion: Callable[[], int], describe_api: Callable[[], Json]) -> None:
        self._project = project
        self._champion = champion
        self._describe_api = describe_api
        self._document: bytes | None = None

    async def get_home(self, request: Request) -> Response:
        """What is here: a page for browsers, JSON for anybody else."""
        if b"text/html" not in (request.header(b"accept") or b""):
            links = {name: f"/{name}" for name in _LINKS}
            return Response(200, encode(Home(self._project, self._champion(), links)))
        rows = [f'<dt><a href="{name}">/{name}</a></dt><dd>{what}</dd>' for name, what in _LINKS.items()]
        return self._page("home.html", champion=str(self._champion()), links="".join(rows))

    async def get_document(self, _: Request) -> Response:
        """The OpenAPI document."""
        if self._document is None:
            self._document = encode(self._describe_api())
        return Response(200, self._document)

    async def get_page(self, _: Request) -> Response:
        """The page of the document."""
        return self._page("docs.html")

    async def get_file(self, _: Request, name: str) -> Response:
        """A file that the page needs; NotFound for any other."""
        if name in _OWN_FILES:
            return Response(200, _read_own_file(name), ((b"content-type", _OWN_FILES[name]), _CACHE))
        if name not in _SWAGGER_FILES:
            raise NotFound(f"there is no /docs/{name}", code="unknown_route", where="url", hint="GET /docs")
        content = (_swagger_folder() / name).read_bytes()
        return Response(200, content, ((b"content-type", _SWAGGER_FILES[name]), _CACHE))

    def _page(self, file: str, **values: str) -> Response:
        page = Template(_read_own_file(file).decode())
        body = page.substitute(project=escape(self._project), version=version_of(_PACKAGE), **values)
        return Response(200, body.encode(), (_HTML, _POLICY))


def _read_own_file(name: str) -> bytes:
    return files("mlops_lab.serving.protocols").joinpath(name).read_bytes()


def _swagger_folder() -> Path:
    """The folder of Swagger UI. The package is not imported: that would import Flask."""
    spec = find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise EnvironmentFault(
            "Swagger UI is not installed", code="missing_package", where=_PACKAGE, hint=f"pip install {_PACKAGE}"
        )
    return Path(spec.origin).parent / "dist"
