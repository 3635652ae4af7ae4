"""Which route a request belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from mlops_lab.errors import NotFound, WrongMethod
from mlops_lab.serving.protocols.base import HttpRoute

_OPTIONAL = re.compile(r"\[(.*?)\]")
_NAME = re.compile(r"\\{\w+\\}")


class RouteMatch(NamedTuple):
    """The route of a request, its label in the metrics, and the text for each name in its pattern."""

    route: HttpRoute
    label: str
    values: tuple[str | None, ...]


def label_of(route: HttpRoute) -> str:
    """The label of a route in the metrics: its pattern without the parts that may be left out."""
    return _OPTIONAL.sub("", route.pattern)


class Router:
    """All routes of a server. ValueError where two have the same pattern."""

    def __init__(self, routes: Iterable[HttpRoute]) -> None:
        self._fixed: dict[str, RouteMatch] = {}
        self._patterns: list[tuple[re.Pattern[str], HttpRoute, str]] = []
        posts: list[str] = []
        seen: set[str] = set()
        for route in routes:
            if route.pattern in seen:
                raise ValueError(f"two routes have the pattern {route.pattern}")
            seen.add(route.pattern)
            label = label_of(route)
            if "{" in route.pattern:
                self._patterns.append((compile_pattern(route.pattern), route, label))
            else:
                self._fixed[route.pattern] = RouteMatch(route, label, ())
            if route.method == "POST":
                posts.append(label)
        self._hint = f"POST {', '.join(posts)}; GET /docs shows all routes"

    def find(self, method: str, path: str) -> RouteMatch:
        """The route of a path; NotFound if there is none, WrongMethod if it takes another method."""
        match = self._fixed.get(path) or self._match_pattern(path)
        if match is None:
            raise NotFound(f"there is no {path}", code="unknown_route", where="url", hint=self._hint)
        if match.route.method != method:
            raise WrongMethod(method, allowed=match.route.method)
        return match

    def _match_pattern(self, path: str) -> RouteMatch | None:
        for pattern, route, label in self._patterns:
            if match := pattern.fullmatch(path):
                return RouteMatch(route, label, match.groups())
        return None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern of a route as a regular expression, with a group for each name."""
    parts = []
    for index, part in enumerate(_OPTIONAL.split(pattern)):
        expression = _NAME.sub("([^/]+)", re.escape(part))
        parts.append(f"(?:{expression})?" if index % 2 else expression)
    return re.compile("".join(parts))
