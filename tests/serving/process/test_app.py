"""The application in one process: ids of requests, what is counted, and errors that nobody expected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcessServer, in_process_server

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.serving.http.messages import Header, Response
from mlops_lab.serving.process.app import App

ORDER = {"asked_at": "2013-03-20T09:30:00Z", "customer": "c1", "shop": "b", "amount": 12.5, "express": False}


@pytest.fixture(scope="module")
def server(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessServer]:
    folder = tmp_path_factory.mktemp("served") / "tiny"
    flags = ["serving.predict_token=true"]
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, folder, flags=flags) as running:
        yield running


class FastRequestOf:
    """A request on the fast path, and its response."""

    def __init__(self, body: bytes, *headers: Header) -> None:
        self.body = body
        self.headers = headers
        self.response: Response | None = None

    def respond(self, response: Response) -> None:
        assert self.response is None, "a request gets one response"
        self.response = response


def ask_fast(server: InProcessServer, body: bytes, *headers: Header) -> Response:
    request = FastRequestOf(body, *headers)

    async def ask() -> None:
        server.app.answer_fast(request)
        while request.response is None:
            await asyncio.sleep(0.001)

    server._runner.run(ask())
    assert request.response is not None
    return request.response


def counted(app: App, family: str, route: str, key: str) -> int:
    return app._counts.counted.get((family, route, key), 0)


def test_only_one_route_takes_the_fast_path(server: InProcessServer) -> None:
    assert server.app.is_fast_route("POST", "/v1/predict")
    for method, path in (("GET", "/v1/predict"), ("POST", "/v1/predict/"), ("POST", "/v1/outcomes")):
        assert not server.app.is_fast_route(method, path)


def test_both_ways_give_the_same_response(server: InProcessServer) -> None:
    token = f"Bearer {server.predict}".encode()
    for body in (json.dumps({"id": "a", **ORDER}).encode(), json.dumps([{"id": "a", **ORDER}]).encode(), b"{", b"{}"):
        usual = server.send("POST", "/v1/predict", body, token=server.predict, headers={"x-request-id": "r-1"})
        fast = ask_fast(server, body, (b"authorization", token), (b"x-request-id", b"r-1"))
        assert (fast.status, fast.body) == (usual.status_code, usual.content)
        assert {*fast.headers} == {
            (name.encode(), value.encode()) for name, value in usual.headers.items() if name != "content-length"
        }


def test_the_fast_path_asks_for_the_token_too(server: InProcessServer) -> None:
    response = ask_fast(server, json.dumps(ORDER).encode())
    assert response.status == 401
    assert (b"www-authenticate", b"Bearer") in response.headers


def test_requests_are_counted_by_route_status_and_reason(server: InProcessServer) -> None:
    app = server.app
    before = counted(app, "requests", "/v2/models/{name}", "404"), counted(app, "requests", "", "404")
    server.send("GET", "/v2/models/other")
    server.send("GET", "/v2/models/tiny/versions/7")
    server.send("GET", "/no/such/url")
    after = counted(app, "requests", "/v2/models/{name}", "404"), counted(app, "requests", "", "404")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 1), "a URL that is unknown is no label"
    rejected = counted(app, "rejected", "/v1/predict", "invalid_json")
    ask_fast(server, b"{", (b"authorization", f"Bearer {server.predict}".encode()))
    assert counted(app, "rejected", "/v1/predict", "invalid_json") == rejected + 1


@given(st.binary(max_size=140))
def test_an_id_of_a_request_is_printable_and_not_long_or_a_new_one(server: InProcessServer, name: bytes) -> None:
    header, given_back = server.app._request_id([(b"x-request-id", name)])
    assert header == b"x-request-id"
    if 1 <= len(name) <= 128 and all(0x21 <= byte <= 0x7E for byte in name):
        assert given_back == name
    else:
        assert given_back != name
        assert server.app._request_id([])[1] != given_back


def test_what_is_rejected_closes_the_connection(server: InProcessServer) -> None:
    response = server.app.reject(InvalidInput("no HTTP", code="bad_http"), [(b"x-request-id", b"r-7")])
    assert response.status == 400
    assert json.loads(response.body)["request_id"] == "r-7"
    assert {(b"connection", b"close"), (b"x-request-id", b"r-7")} <= {*response.headers}


def test_a_failing_disk_is_a_503_and_a_bug_never_a_500(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(ORDER).encode()
    for error, code in ((EnvironmentFault("full", code="disk_full"), "disk_full"), (ZeroDivisionError(), "internal")):

        def fail(*_: Any, _error: Exception = error, **__: Any) -> Any:
            raise _error

        monkeypatch.setattr(server.service, "answer", fail)
        usual = server.send("POST", "/v1/predict", body, token=server.predict)
        fast = ask_fast(server, body, (b"authorization", f"Bearer {server.predict}".encode()))
        assert usual.status_code == fast.status == 503
        assert usual.json()["error"]["code"] == json.loads(fast.body)["error"]["code"] == code
    assert [record.getMessage() for record in caplog.records] == ["a request failed"] * 2
