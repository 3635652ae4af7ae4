"""What a page in a browser sends to a real server: nothing is answered, and nothing is written down."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from raw import REQUEST, http, raw
from running import serving

from mlops_lab.project import Project, load_project

BODY = json.dumps(REQUEST).encode()
EVIL = ("Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")
ROUTES = ["/v1/predict", "/v1/outcomes", "/v1/tables/traffic/rows", "/invocations", "/v2/models/parcels/infer"]


def ask(connection: object, method: str, path: str, *headers: str, host: str = "localhost") -> tuple[int, bytes]:
    sent = http(method, path, BODY if method == "POST" else b"", *headers).replace(b"localhost", host.encode(), 1)
    told = connection.ask(sent)  # type: ignore[attr-defined]
    return told.status, told.body


@pytest.mark.parametrize("workers", [1, 2])
def test_a_page_of_another_site_changes_nothing_and_reads_nothing(
    copy_project: Callable[..., Project], workers: int
) -> None:
    project = load_project(copy_project().root, flags=[f"serving.workers={workers}"])
    with serving(project) as server, raw(server.process.address) as connection:
        position = server.talk().status["position"]
        for path in ROUTES:
            for simple in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
                assert ask(connection, "POST", path, *EVIL, f"Content-Type: {simple}")[0] == 403
                assert ask(connection, "POST", path, f"Content-Type: {simple}", host="evil.example:80")[0] == 403
            assert ask(connection, "POST", path, *EVIL)[0] == 403  # a Blob without a type
            assert ask(connection, "POST", path, "Content-Type: text/plain")[0] == 415
            assert ask(connection, "OPTIONS", path, EVIL[0])[0] == 403  # nobody permits what a browser asks for
        for path in ("/v1/status", "/metrics", "/openapi.json", "/docs", "/v2", "/v2/models/parcels", "/nowhere"):
            for headers, host in ((EVIL, "localhost"), ((), "evil.example"), (EVIL[1:2], "localhost")):
                status, body = ask(connection, "GET", path, *headers, host=host)
                assert status == 403
                assert b"not" in body or b"another site" in body
        assert server.talk().status["position"] == position
        assert {talk.predict({**REQUEST, "id": "mine"})["id"] for talk in [server.talk() for _ in range(8)]} == {"mine"}


def test_a_declared_name_is_one_of_the_server(copy_project: Callable[..., Project]) -> None:
    project = load_project(copy_project().root, flags=['serving.allowed_hosts=["models.example.com"]'])
    with serving(project) as server, raw(server.process.address) as connection:
        json_type = "Content-Type: application/json"
        page = ("Origin: https://models.example.com", "Sec-Fetch-Site: same-origin", json_type)
        assert ask(connection, "POST", "/v1/predict", json_type, host="models.example.com")[0] == 200
        assert ask(connection, "POST", "/v1/predict", *page)[0] == 200
        assert ask(connection, "POST", "/v1/predict", *EVIL, json_type)[0] == 403
