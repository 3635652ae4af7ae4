"""The page as an ASGI application: projects by name, the views of each, actions, and what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from mlops_lab.charts.drawing import GLYPHS, colours
from mlops_lab.errors import MlopsError, NotFound
from mlops_lab.project import Project
from mlops_lab.web.actions import ACTIONS, act
from mlops_lab.web.guard import Guard
from mlops_lab.web.live import live
from mlops_lab.web.status import prepare_status, summarise
from mlops_lab.web.view import Source, View
from mlops_lab.web.views.catalog import VIEWS

STATIC = {"page.css": "text/css", "page.js": "text/javascript"}


def make_app(projects: Sequence[Project], *, host: str) -> Starlette:
    """The page of these projects, for a server that listens on `host`. Each project has the name of its folder."""
    page = _Page(projects)
    routes = [
        Route("/", page.start),
        Route("/static/{name}", page.static),
        Route("/{project}/live", page.live),
        Route("/{project}/do/{action}", page.act, methods=["POST"]),
        Route("/{project}/{view}", page.view),
    ]
    handlers: Mapping[Any, Any] = {MlopsError: page.error, HTTPException: page.http_error, Exception: page.bug}
    return Starlette(routes=routes, middleware=[Middleware(Guard, host=host)], exception_handlers=handlers)


class _Page:
    def __init__(self, projects: Sequence[Project]) -> None:
        self._projects = {project.root.name: project for project in projects}
        self._templates = Environment(
            loader=PackageLoader("mlops_lab.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.globals |= {"views": VIEWS, "glyphs": GLYPHS, "projects": self._projects}
        self._templates.filters |= {"number": _number, "sentence": _sentence, "code": _code}

    def start(self, _: Request) -> Response:
        """The projects, and how each of them is; where there is one, its first view."""
        if len(self._projects) == 1:
            return RedirectResponse(f"/{next(iter(self._projects))}/now")
        looks = {name: summarise(project) for name, project in self._projects.items()}
        return self._render("projects.html", {"project": None, "view": None, "looks": looks})

    def static(self, request: Request) -> Response:
        """A file that pages use."""
        name = request.path_params["name"]
        if name not in STATIC:
            raise HTTPException(404)
        text = files("mlops_lab.web").joinpath("static", name).read_text(encoding="utf-8")
        return Response(colours() + text if name == "page.css" else text, media_type=STATIC[name])

    def view(self, request: Request) -> Response:
        """One view of one project."""
        source, view = self._source(request), self._view(request)
        content = view.query(source, request.query_params)
        troubles = summarise(source.project)[1]  # their number stands in the title of the tab
        return self._render(view.template, {"project": source.project, "view": view, "troubles": troubles, **content})

    async def live(self, request: Request) -> Response:
        """Events: the state of the project changed."""
        return live(self._project(request), request, prepare=prepare_status)

    async def act(self, request: Request) -> Response:
        """Do what a person asks for."""
        action = ACTIONS.get(request.path_params["action"])
        if action is None:
            raise HTTPException(404)
        return JSONResponse(await act(self._project(request), action, request))

    def error(self, request: Request, error: Exception) -> Response:
        """What is wrong and how to mend it, as a page; as JSON where an action was asked for."""
        assert isinstance(error, MlopsError)
        status = error.status
        if request.method == "POST":
            return JSONResponse({"error": error.as_dict()}, status_code=status)
        name = request.path_params.get("project")
        project = self._projects.get(name) if name else None
        return self._render("error.html", {"project": project, "view": None, "error": error}, status=status)

    def http_error(self, request: Request, error: Exception) -> Response:
        """The same for an address that nothing is at."""
        assert isinstance(error, HTTPException)
        if error.status_code != 404:
            return Response(error.detail, error.status_code, error.headers)
        return self.error(request, _no_page(request))

    def bug(self, request: Request, error: Exception) -> Response:
        """A fault of ours is told without its traceback."""
        what = f"the page could not be made: {type(error).__name__}: {error}"
        return self.error(request, MlopsError(what, code="bug", hint="this is a bug; the terminal shows the traceback"))

    def _render(self, template: str, content: Mapping[str, Any], *, status: int = 200) -> Response:
        project = content["project"]
        zone = ZoneInfo(project.timezone) if project else None
        local = {"local": lambda moment: _local(moment, zone)}
        return HTMLResponse(self._templates.get_template(template).render({**content, **local}), status)

    def _project(self, request: Request) -> Project:
        project = self._projects.get(request.path_params["project"])
        if project is None:
            raise _no_page(request)
        return project

    def _source(self, request: Request) -> Source:
        return Source.of(self._project(request))

    def _view(self, request: Request) -> View:
        view = VIEWS.get(request.path_params["view"])
        if view is None:
            raise _no_page(request)
        return view


def _no_page(request: Request) -> NotFound:
    return NotFound(
        f"nothing is at {request.url.path[:100]}", code="no_page", hint="choose a view above, or start at /"
    )


def _local(moment: datetime | str, zone: ZoneInfo | None) -> str:
    """A moment in the time zone of the project, to the minute."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _sentence(text: str) -> Markup:
    """The text as a sentence, and what stands between backticks as code."""
    marked = _code(f"{text[:1].upper()}{text[1:]}")
    return marked if text.endswith((".", "`", "?")) else marked + "."


def _code(text: str) -> Markup:
    """The text, and what stands between backticks as code."""
    parts = [escape(part) for part in str(text).split("`")]
    return Markup("").join(
        part if index % 2 == 0 else Markup("<code>") + part + Markup("</code>") for index, part in enumerate(parts)
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
