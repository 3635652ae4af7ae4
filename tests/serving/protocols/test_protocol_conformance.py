"""What every protocol must keep to. The author of a new one learns from these tests what is missing.

`PROTOCOLS` is the list that a server reads: a protocol that is in it is tested here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from in_process import InProcessServer, in_process_server

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.serving.http.messages import Request, Response, decode_body, encode
from mlops_lab.serving.protocols.base import HttpRoute, MakeProtocol, Protocol, ProtocolContext
from mlops_lab.serving.protocols.examples import Examples
from mlops_lab.serving.protocols.operations import BODY_ERRORS, describe_get, describe_post, ref
from mlops_lab.serving.protocols.registered import PROTOCOLS
from mlops_lab.serving.protocols.router import Router

Json = dict[str, Any]
MALFORMED = [b"", b"{", b"\xff\x00", b'"text"', b"[" * 10_000, b'{"unknown": 1}']
PAGE_FILES = "/docs/{file}"  # the files of the page for people: only the page needs them


@pytest.fixture(scope="module")
def server(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessServer]:
    """A server that asks for a token to predict, too."""
    folder = tmp_path_factory.mktemp("served") / "tiny"
    flags = ["serving.predict_token=true"]
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, folder, flags=flags) as running:
        yield running


@pytest.fixture(params=range(len(PROTOCOLS)), ids=lambda number: PROTOCOLS[number].__name__)
def protocol(request: pytest.FixtureRequest, server: InProcessServer) -> Protocol:
    return server.app.protocols[request.param]


# ---- the checks ------------------------------------------------------------------------------------------------------


def check_routes(protocol: Protocol) -> None:
    """Patterns are unique, and each route says which role it needs."""
    patterns = [route.pattern for route in protocol.routes]
    assert len(set(patterns)) == len(patterns), "each pattern belongs to one route: a URL takes one method"
    for route in protocol.routes:
        assert route.pattern.startswith("/"), route.pattern
        if route.method == "POST":
            assert route.role in {"predict", "operate"}, f"{route.pattern}: what is posted needs a role"
        else:
            assert route.role is None, f"{route.pattern}: what is only read needs no token"


def check_documentation(protocol: Protocol, server: InProcessServer, document: Json) -> None:
    """Each route is documented, each documented path is routed, and what the operations refer to exists."""
    router = Router(server.app.routes)
    tags = {tag["name"] for tag in document["tags"]}
    examples = Examples(server.service)
    for route in protocol.routes:
        if route.pattern == PAGE_FILES:
            continue
        assert route.describe is not None, f"{route.pattern} lacks `describe`: its OpenAPI path items"
        items = route.describe(examples)
        assert items, f"{route.pattern}: `describe` gives no path"
        for path, item in items.items():
            operation = item.get(route.method.lower())
            assert operation, f"{path} is described with another method than that of its route"
            found = router.find(route.method, path)
            assert found.route is route, f"{path} is described by {route.pattern}, and answered by {found.label}"
            assert path in document["paths"]
            assert {*operation["tags"]} <= {*protocol.tags} <= tags, f"{path} has a tag that `tags` does not explain"
            shown = document["paths"][path][route.method.lower()]
            assert ("security" in shown) == (route.role is not None), f"{path}: the document is wrong about its token"
            for name in _references(item):
                assert name in document["components"]["schemas"], f"{path} refers to {name}, which `schemas` lacks"


def check_errors(protocol: Protocol, server: InProcessServer) -> None:
    """Whatever is wrong gets the protocol's form of an error and the right status, and never a 500."""
    for method, path in _documented(protocol, server):
        methods = {"GET": {"GET", "HEAD"}}.get(method, {method})
        for wrong in {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"} - methods:
            headers = {"content-type": "application/json"}
            response = server.send(wrong, path, token=server.operate, headers=headers)
            assert response.status_code == 405, f"{wrong} {path}"
            assert response.headers["allow"] == ", ".join(sorted(methods))
            _check_form(protocol, server, path, response)
    for pattern in protocol.error_paths:
        if pattern.endswith("*"):
            response = server.send("GET", f"{pattern[:-1]}/no/such/route", token=server.operate)
            assert response.status_code == 404
            _check_form(protocol, server, f"{pattern[:-1]}/no/such/route", response)


def check_malformed_bodies(protocol: Protocol, server: InProcessServer) -> None:
    """A body that is not what the route takes is the client's mistake."""
    for method, path in _documented(protocol, server):
        for body in MALFORMED if method == "POST" else []:
            response = server.send(method, path, body, token=server.operate)
            assert response.status_code == 400, (path, body[:20], response.text)
            _check_form(protocol, server, path, response)


def check_tokens(protocol: Protocol, server: InProcessServer) -> None:
    """What needs a token is refused without it, and what changes things with one that may only predict."""
    for route in protocol.routes:
        for path in _paths(route, server) if route.role else []:
            response = server.send("POST", path, b"{}")
            assert response.status_code == 401, path
            assert response.headers["www-authenticate"] == "Bearer"
            _check_form(protocol, server, path, response)
            response = server.send("POST", path, b"{}", token=server.predict)
            assert (response.status_code == 403) == (route.role == "operate"), path


def check_names(protocol: Protocol, server: InProcessServer) -> None:
    """A name in a URL that nothing has is not found."""
    for route in protocol.routes:
        parts = route.pattern.replace("[", "").replace("]", "").split("/")
        for name in ("7", "no-such", "%ff", "-1", "9" * 400) if "{" in route.pattern else ():
            path = "/".join(name if part.startswith("{") else part for part in parts)
            response = server.send(route.method, path, b"{}", token=server.operate)
            assert response.status_code == 404, path
            _check_form(protocol, server, path, response)


def _paths(route: HttpRoute, server: InProcessServer) -> list[str]:
    if route.pattern == PAGE_FILES:
        return []
    assert route.describe is not None
    return list(route.describe(Examples(server.service)))


def _documented(protocol: Protocol, server: InProcessServer) -> list[tuple[str, str]]:
    """The method and a real path of each documented operation."""
    return [
        (route.method, path.replace("{version}", "1")) for route in protocol.routes for path in _paths(route, server)
    ]


def _check_form(protocol: Protocol, server: InProcessServer, path: str, response: httpx.Response) -> None:
    """The response has the form of the protocol that claims the path, or else of the first one."""
    first = server.app.protocols[0]
    owner = next((item for item in server.app.protocols if item.owns_errors_of(path)), first)
    assert owner is protocol or owner is first, f"{path}: the errors of {protocol.name} have the form of {owner.name}"
    sample = owner.error_response(InvalidInput("wrong", code="sample", where="$", hint="none"), "id")
    assert sample.status == 400
    assert response.headers["x-request-id"]
    if response.request.method == "HEAD":
        return
    assert response.headers["content-type"] == dict(sample.headers)[b"content-type"].decode(), path
    assert response.json().keys() == json.loads(sample.body).keys(), f"{path}: {response.text}"


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def check_all(protocol: Protocol, server: InProcessServer) -> None:
    """All of the checks."""
    check_routes(protocol)
    check_documentation(protocol, server, server.describe())
    check_errors(protocol, server)
    check_malformed_bodies(protocol, server)
    check_tokens(protocol, server)
    check_names(protocol, server)


# ---- on each protocol ------------------------------------------------------------------------------------------------


def test_its_routes_say_what_they_need(protocol: Protocol) -> None:
    check_routes(protocol)


def test_its_routes_are_documented_and_what_it_documents_is_routed(protocol: Protocol, server: InProcessServer) -> None:
    check_documentation(protocol, server, server.describe())


def test_a_wrong_method_or_path_gets_its_form_of_an_error(protocol: Protocol, server: InProcessServer) -> None:
    check_errors(protocol, server)


def test_a_malformed_body_gets_its_form_of_an_error(protocol: Protocol, server: InProcessServer) -> None:
    check_malformed_bodies(protocol, server)


def test_its_routes_ask_for_the_token_that_they_say(protocol: Protocol, server: InProcessServer) -> None:
    check_tokens(protocol, server)


def test_an_unknown_name_in_its_urls_is_not_found(protocol: Protocol, server: InProcessServer) -> None:
    check_names(protocol, server)


# ---- together --------------------------------------------------------------------------------------------------------


def test_no_two_protocols_have_the_same_name_route_tag_or_error_path(server: InProcessServer) -> None:
    protocols = server.app.protocols
    for values in (
        [protocol.name for protocol in protocols],
        [route.pattern for protocol in protocols for route in protocol.routes],
        [tag for protocol in protocols for tag in protocol.tags],
        [path for protocol in protocols for path in protocol.error_paths],
    ):
        assert len(set(values)) == len(values), values


def test_one_route_takes_the_fast_path(server: InProcessServer) -> None:
    assert [route.pattern for route in server.app.routes if route.start] == ["/v1/predict"]


# ---- one more protocol, as CONTRIBUTING says -------------------------------------------------------------------------


class Score(msgspec.Struct):
    """The answers, in the order of the rows."""

    scores: list[float]


class Complaint(msgspec.Struct):
    """An error."""

    complaint: str


def make_scores(context: ProtocolContext) -> Protocol:
    """A protocol that scores rows: what a file of its own below `serving/protocols` would hold."""

    async def score(request: Request) -> Response:
        rows = decode_body(msgspec.json.Decoder(dict[str, list[dict[str, Any]]]).decode, await request.body())
        if rows.keys() != {"rows"}:
            raise InvalidInput("there are no rows", code="invalid_request", where="$", hint="send rows")
        records = await context.rows.answer(rows["rows"])
        return Response(200, encode({"scores": [record.output for record in records]}))

    async def get_names(_: Request) -> Response:
        return Response(200, encode(context.service.schemas.names))

    def describe_score(examples: Examples) -> Json:
        item = describe_post(
            "Scores",
            "Score rows",
            "All rows or none.",
            body={"type": "object"},
            examples={"one": {"rows": [examples.request]}},
            response=ref("Score"),
            errors=BODY_ERRORS,
            error="Complaint",
        )
        return {"/scores/rows": item}

    names = describe_get("Scores", "The names of the fields", {"type": "array", "items": {"type": "string"}})
    return Protocol(
        name="scores",
        tags={"Scores": "Scores of rows."},
        routes=[
            HttpRoute(method="POST", pattern="/scores/rows", handler=score, role="predict", describe=describe_score),
            HttpRoute(
                method="GET",
                pattern="/scores/names",
                handler=get_names,
                role=None,
                describe=lambda _: {"/scores/names": names},
            ),
        ],
        error_response=complain,
        error_paths=["/scores*"],
        schemas=[Score, Complaint],
    )


def complain(error: MlopsError, request_id: str) -> Response:
    return Response(error.status, encode({"complaint": f"{error} ({request_id})"}))


def test_one_more_protocol_is_a_function_and_a_place_in_the_list(tiny: Any, tmp_path: Path) -> None:
    protocols: list[MakeProtocol] = [*PROTOCOLS, make_scores]
    flags = ["serving.predict_token=true"]
    with in_process_server(
        tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "p", flags=flags, protocols=protocols
    ) as server:
        document = server.describe()
        example = document["paths"]["/scores/rows"]["post"]["requestBody"]["content"]["application/json"]["examples"]
        body = json.dumps(example["one"]["value"]).encode()
        response = server.send("POST", "/scores/rows", body, token=server.predict)
        assert response.status_code == 200, response.text
        own = server.send(
            "POST", "/v1/predict", json.dumps(example["one"]["value"]["rows"]).encode(), token=server.predict
        )
        assert response.json() == {"scores": [answer["output"] for answer in own.json()]}
        assert server.send("GET", "/scores/names").json()[0] == "asked_at"
        assert server.send("POST", "/scores/rows", body).json().keys() == {"complaint"}
        assert server.send("GET", "/scores/elsewhere").json().keys() == {"complaint"}
        assert '/scores/rows",status="200"' in server.send("GET", "/metrics").text
        check_all(server.app.protocols[-1], server)


@pytest.mark.parametrize("pattern", ["/v1/predict", "/v1/tables/{name}/rows"])
def test_a_pattern_that_is_taken_is_refused_when_the_server_starts(tiny: Any, tmp_path: Path, pattern: str) -> None:
    def make(context: ProtocolContext) -> Protocol:
        scores = make_scores(context)
        route = HttpRoute(method="GET", pattern=pattern, handler=scores.routes[1].handler, role=None)
        return Protocol(name="other", tags={}, routes=[route], error_response=complain)

    service = in_process_server(
        tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "p", protocols=[*PROTOCOLS, make]
    )
    with pytest.raises(ValueError, match="two routes have the pattern"), service:
        pass
