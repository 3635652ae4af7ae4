"""From a URL to its route: what a pattern stands for, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import NotFound, WrongMethod
from mlops_lab.serving.http.messages import Request, Response
from mlops_lab.serving.protocols.base import HttpRoute
from mlops_lab.serving.protocols.router import Router, compile_pattern

MODEL = "/v2/models/{name}[/versions/{version}]"


async def handler(_: Request) -> Response:
    raise NotImplementedError


ROUTES = [
    HttpRoute(method="POST", pattern="/v1/predict", handler=handler),
    HttpRoute(method="GET", pattern=MODEL, handler=handler, role=None),
    HttpRoute(method="POST", pattern=f"{MODEL}/infer", handler=handler),
]
ROUTER = Router(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "route", "label", "values"),
    [
        ("POST", "/v1/predict", 0, "/v1/predict", ()),
        ("GET", "/v2/models/m", 1, "/v2/models/{name}", ("m", None)),
        ("GET", "/v2/models/m/versions/7", 1, "/v2/models/{name}", ("m", "7")),
        ("POST", "/v2/models/a b/infer", 2, "/v2/models/{name}/infer", ("a b", None)),
        ("POST", "/v2/models/m/versions/7/infer", 2, "/v2/models/{name}/infer", ("m", "7")),
    ],
)
def test_a_path_has_its_route(method: str, path: str, route: int, label: str, values: tuple[str | None, ...]) -> None:
    assert ROUTER.find(method, path) == (ROUTES[route], label, values)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/predict/", "/v1", "/v2/models/", "/v2/models/m/", "/v2/models/m/versions/", "/v2/models/m/x"]
)
def test_other_paths_have_none(path: str) -> None:
    with pytest.raises(NotFound) as caught:
        ROUTER.find("POST", path)
    assert caught.value.code == "unknown_route"
    assert "POST /v1/predict, /v2/models/{name}/infer" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/v1/predict", "POST"), ("HEAD", "/v2/models/m", "GET")]
)
def test_another_method_is_told_which_is_allowed(method: str, path: str, allowed: str) -> None:
    with pytest.raises(WrongMethod) as caught:
        ROUTER.find(method, path)
    assert caught.value.allowed == allowed


def test_a_pattern_belongs_to_one_route() -> None:
    with pytest.raises(ValueError, match="two routes have the pattern /v1/predict"):
        Router([*ROUTES, HttpRoute(method="GET", pattern="/v1/predict", handler=handler)])


@given(st.lists(st.text("ab.+*()|\\^$ {}", min_size=1), min_size=1, max_size=4))
def test_a_pattern_without_names_stands_for_itself(parts: list[str]) -> None:
    path = "/" + "/".join(part.replace("{", "").replace("}", "") for part in parts)
    assert compile_pattern(path).fullmatch(path)
    assert not compile_pattern(path).fullmatch(f"{path}x")


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_name_stands_for_one_part_of_the_path(name: str, version: str) -> None:
    match = compile_pattern(MODEL).fullmatch(f"/v2/models/{name}/versions/{version}")
    if "/" in name or "/" in version:
        assert match is None or "/" not in "".join(filter(None, match.groups()))
    else:
        assert match is not None
        assert match.groups() == (name, version)
