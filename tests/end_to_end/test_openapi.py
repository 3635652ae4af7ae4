"""The OpenAPI document says what the server does, and its page needs nobody but the server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from running import Server, serving

from mlops_lab.project import Project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.process.app import App
from mlops_lab.serving.protocols.router import compile_pattern

Document = dict[str, Any]
GOOD = {"asked_at": "2024-03-25T09:30:00Z", "depot": "b", "items": 3, "distance": 12.25}


class Asked:
    """What a server says of itself, and whether it does so."""

    def __init__(self, server: Server) -> None:
        address = server.process.address
        self._url = f"http://{address.host}:{address.port}"
        self._token = server.talk().token
        self.document: Document = json.loads(self.send("GET", "/openapi.json", "/openapi.json")[1])

    def send(
        self,
        method: str,
        path: str,
        route: str,
        body: Any = None,
        *,
        media: str = "application/json",
        token: bool = True,
    ) -> tuple[int, bytes]:
        """The status and the body of a reply, which must be as the document has it."""
        headers = {"Content-Type": media} | ({"Authorization": f"Bearer {self._token}"} if token else {})
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urlopen(Request(self._url + path, data, headers, method=method)) as answer:
                status, told, kind = answer.status, answer.read(), answer.headers["content-type"]
        except HTTPError as error:
            status, told, kind = error.code, error.read(), error.headers["content-type"]
        if hasattr(self, "document"):
            self._check(method, route, status, told, kind)
        return status, told

    def _check(self, method: str, route: str, status: int, told: bytes, kind: str) -> None:
        responses = self.document["paths"][route][method.lower()]["responses"]
        assert str(status) in responses, (route, status, told)
        content = responses[str(status)]["content"]
        media = kind.partition(";")[0]
        assert media in content, (route, media)
        if media == "application/json":
            schema = {**content[media]["schema"], "components": self.document["components"]}
            OAS31Validator(schema).validate(json.loads(told))

    def operations(self, method: str) -> Iterator[tuple[str, Document]]:
        """The routes that take a method, and what is said of them."""
        for route, item in self.document["paths"].items():
            if method in item:
                yield route, item[method]


@pytest.fixture(scope="module")
def asked(shared_server: Server) -> Asked:
    return Asked(shared_server)


def test_it_is_valid(asked: Asked) -> None:
    assert asked.document["openapi"].startswith("3.1")
    validate(asked.document)


def test_every_route_is_in_it_and_no_other(asked: Asked, project: Project) -> None:
    with contextlib.closing(Service(project, read_routing_table(project.deployment_path))) as service:
        app = App(service, authorizer=Authorizer(project))
        fixed = {(route.method, route.pattern) for route in app.routes if "{" not in route.pattern}
        patterns = [(route.method, compile_pattern(route.pattern)) for route in app.routes if "{" in route.pattern]
        app._committer.close()
    documented = {(method.upper(), route) for method in ("get", "post") for route, _ in asked.operations(method)}
    assert fixed <= documented
    for method, route in documented - fixed:
        assert any(named == method and pattern.fullmatch(route) for named, pattern in patterns), route
    for method, pattern in patterns:
        shown = any(named == method and pattern.fullmatch(route) for named, route in documented)
        assert shown or pattern.fullmatch("/docs/docs.js"), "what the page is made of is nobody else's concern"


def test_what_is_read_is_as_it_says(asked: Asked) -> None:
    for route, _ in asked.operations("get"):
        status, told = asked.send("GET", route.replace("{version}", "1"), route, token=False)
        assert status == 200
        assert told
    for route, _ in asked.operations("get"):
        if "{version}" in route:
            assert asked.send("GET", route.replace("{version}", "7"), route)[0] == 404


def send_examples(asked: Asked) -> None:
    """Every example of a body is taken, and answered as the document has it."""
    for route, operation in asked.operations("post"):
        for media, content in operation["requestBody"]["content"].items():
            assert content["examples"]
            for name, example in content["examples"].items():
                value = example["value"]
                body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                status, told = asked.send("POST", route.replace("{version}", "1"), route, body, media=media)
                # a table of facts that never change has a row of this key already, or none
                is_known = b"conflicting_fact" in told or b"other_verdict" in told  # nothing is under way here
                assert status == 200 or (status, is_known) == (409, True), (route, name, told)
                if media == "application/json":
                    schema = {**content["schema"], "components": asked.document["components"]}
                    OAS31Validator(schema).validate(value)


def test_the_examples_are_taken(server: Server) -> None:
    send_examples(Asked(server))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_the_examples_of_other_tasks_are_taken(copies: Any, name: str) -> None:
    with serving(copies(name)) as server:
        asked = Asked(server)
        validate(asked.document)
        send_examples(asked)
        output = asked.document["components"]["schemas"]["Answer"]["properties"]["output"]
        assert output.get("required") == (["setosa", "versicolor", "virginica"] if name == "iris" else None)


def test_what_is_wrong_is_told_as_it_says(asked: Asked) -> None:
    big = json.dumps({"more": "x" * (8 * 1024 * 1024)}).encode()
    many = [GOOD] * 10_001
    for route, operation in asked.operations("post"):
        path = route.replace("{version}", "1")
        assert asked.send("POST", path, route, b"{")[0] == 400
        assert asked.send("POST", path, route, big)[0] == 413
        if "security" in operation:
            assert asked.send("POST", path, route, {}, token=False)[0] == 401
        assert asked.send("POST", path, route, b"{}", media="text/plain")[0] == 415
    assert asked.send("POST", "/v1/predict", "/v1/predict", many)[0] == 413
    asked.send("POST", "/v1/predict", "/v1/predict", {"id": "twice", **GOOD})
    assert asked.send("POST", "/v1/predict", "/v1/predict", {"id": "twice", **GOOD, "items": 4})[0] == 409
    mixed = [{"id": "twice", **GOOD}, {"id": "twice", **GOOD, "items": 4}]
    status, told = asked.send("POST", "/v1/predict", "/v1/predict", mixed)
    assert status == 200
    assert [one.keys() == {"error"} for one in json.loads(told)] == [False, True]
    assert asked.send("POST", "/invocations", "/invocations", {"inputs": mixed})[0] == 409


def test_the_page_is_served_from_here(asked: Asked) -> None:
    with urlopen(asked._url + "/docs") as answer:
        page, policy = answer.read().decode(), answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    found = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(found) == 6
    for link in found:
        assert not re.match(r"\w+:|/", link), "relative, so that it also works behind a proxy"
        with urlopen(f"{asked._url}/{link}") as answer:
            assert answer.read()
            assert answer.headers["cache-control"] or link == "openapi.json"
    for name in ("LICENSE", "..%2f..%2f__init__.py", "docs.html"):
        with pytest.raises(HTTPError) as caught:
            urlopen(f"{asked._url}/docs/{name}")
        assert caught.value.code == 404


def test_the_first_page_says_what_is_here(asked: Asked, project: Project) -> None:
    told = json.loads(asked.send("GET", "/", "/", token=False)[1])
    assert (told["project"], told["champion"]) == (project.name, 1)
    with urlopen(Request(asked._url + "/", headers={"Accept": "text/html,*/*;q=0.8"})) as answer:
        page = answer.read().decode()
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {*told["links"].values()} <= {f"/{link}" for link in found}
    for link in found:
        with urlopen(f"{asked._url}/{link}") as answer:
            assert answer.read()


def test_the_page_shows_every_operation_and_asks_nobody_else(asked: Asked, tmp_path: Path) -> None:
    """In a browser that says in its log what the page's policy kept it from, or what could not be loaded."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        assert not os.environ.get("CI"), "CI lacks Chromium"
        pytest.skip("needs Chromium: apt install chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--enable-logging=stderr"]
    command = [browser, *flags, "--virtual-time-budget=10000", "--dump-dom", f"{asked._url}/docs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if ":CONSOLE" in line] == []
    operations = [*asked.operations("get"), *asked.operations("post")]
    assert done.stdout.count('class="opblock ') == len(operations)
    for _, operation in operations:
        assert operation["summary"] in done.stdout
