"""A uvicorn whose private parts are other ones: the server notices before it starts, and answers without them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from raw import HEALTH, PREDICT, raw
from running import Server, serving
from synthetic import World, ask, day_begin

from mlops_lab.project import Project, load_project

RENAME = '''
"""Loads uvicorn's protocol with one attribute renamed, wherever uvicorn itself uses it."""

import importlib.util, re, sys

NAME = "uvicorn.protocols.http.httptools_impl"


class Renaming:
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)
        source = spec.loader.get_source(name)
        assert re.search(r"(\\.|def )OLD\\b", source)
        spec.loader.get_code = lambda _: compile(re.sub(r"(\\.|def )OLD\\b", r"\\1NEW", source), spec.origin, "exec")
        return spec


sys.meta_path.insert(0, Renaming())
'''


@pytest.fixture
def rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has uvicorn in the processes that are started from now on rename an attribute."""

    def renamed(name: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(RENAME.replace("OLD", name).replace("NEW", f"{name}_renamed"))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")

    return renamed


def warnings(server: Server) -> list[dict[str, Any]]:
    lines = (server.project.home / "server.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_the_installed_uvicorn_has_what_the_fast_path_uses(server: Server) -> None:
    with raw(server.process.address) as connection:
        assert connection.ask(PREDICT).status == 200
    assert warnings(server) == []


@pytest.mark.parametrize("name", ["_start_asgi_task", "more_body", "pipeline", "disconnected"])
def test_without_a_private_part_everything_is_answered(
    rename: Callable[[str], None], copy_project: Callable[..., Project], world: World, name: str
) -> None:
    rename(name)
    project = load_project(copy_project().root, flags=["serving.max_body_bytes=5000"])
    with serving(project) as server:
        (warning,) = warnings(server)
        assert warning["level"] == "warning"
        assert "the fast path is off" in warning["what"]
        assert name in warning["what"]
        talk = server.talk()

        row = world.parcels.filter(world.parcels["asked_at"] >= day_begin(24)).row(0, named=True)
        answer = talk.predict(ask(row))
        assert 0 < answer["output"] < 1
        assert [item["output"] for item in talk.post("/v1/predict", [ask(row)])[1]] == [answer["output"]]
        known_at = row["asked_at"] + timedelta(days=1)
        outcome = {"id": row["parcel_id"], "known_at": known_at.isoformat(), "late": True, "delay": 30.0}
        assert talk.tell([outcome])["counts"]["accepted"] == 1

        assert talk.post("/v1/predict", {})[1]["error"]["code"] == "invalid_request"
        assert talk.send("POST", "/v1/predict", b"{")[1]["error"]["code"] == "invalid_json"
        assert talk.send("GET", "/v1/predict")[0] == 405
        assert talk.send("GET", "/v2/models/other")[1].keys() == {"error"}
        assert talk.post("/invocations", {})[1].keys() == {"error_code", "message"}
        assert talk.send("POST", "/v1/outcomes", b"{}", headers={})[0] == 401
        assert talk.post("/v1/predict", {"more": "x" * 5000})[1]["error"]["code"] == "body_too_large"
        assert talk.status["pending"] == 0
        assert talk.send("GET", "/openapi.json")[0] == 200
        assert 'mlops_requests_total{route="/v1/predict",status="200"' in talk.text("/metrics")

        with raw(server.process.address) as connection:
            connection.send(PREDICT + HEALTH + PREDICT)
            assert [response.status for response in connection.read(3)] == [200] * 3
        assert len(warnings(server)) == 1


def test_uvicorns_own_limit_of_connections_holds_without_the_fast_path(
    rename: Callable[[str], None], copy_project: Callable[..., Project]
) -> None:
    rename("pipeline")
    project = load_project(copy_project().root, flags=["serving.max_connections=2", "serving.request_seconds=1"])
    with serving(project) as server:
        with raw(server.process.address) as first, raw(server.process.address) as second:
            assert first.ask(HEALTH).status == second.ask(HEALTH).status == 200
            with raw(server.process.address) as third:
                assert third.ask(HEALTH).status == 503
        with raw(server.process.address) as slow:
            slow.send(PREDICT[:-1])
            (response,) = slow.read()
            assert (response.status, response.code) == (408, "request_too_slow")


def test_several_workers_warn_once(rename: Callable[[str], None], copy_project: Callable[..., Project]) -> None:
    rename("pipeline")
    with serving(load_project(copy_project().root, flags=["serving.workers=2"])) as server:
        for _ in range(4):
            with raw(server.process.address) as connection:
                assert connection.ask(PREDICT).status == 200
        assert len(warnings(server)) == 1
