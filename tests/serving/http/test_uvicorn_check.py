"""The check of uvicorn's private parts: it passes with the installed one, and names what is missing."""

from __future__ import annotations

import ast
import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

import mlops_lab
from mlops_lab.serving.http import uvicorn_protocol
from mlops_lab.serving.http.uvicorn_check import (
    CONNECTION,
    CYCLE,
    FLOW,
    METHODS,
    fast_path_is_supported,
    find_fast_path_problem,
)


def test_the_installed_uvicorn_is_supported() -> None:
    assert find_fast_path_problem() is None
    assert fast_path_is_supported()
    assert not logging.getLogger("uvicorn.error").disabled


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (HttpToolsProtocol, "_start_asgi_task"),
        (HttpToolsProtocol, "on_response_complete"),
        (FlowControl, "resume_reading"),
    ],
)
def test_a_method_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    monkeypatch.delattr(owner, name)
    assert find_fast_path_problem() == f"{owner.__name__} has no {name}"
    assert not fast_path_is_supported()


def test_other_parameters_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: Any, cycle: Any) -> None: ...

    monkeypatch.setattr(HttpToolsProtocol, "_start_asgi_task", start)
    assert find_fast_path_problem() == "HttpToolsProtocol._start_asgi_task takes (cycle) instead of (cycle, app)"


def test_an_attribute_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = RequestResponseCycle.__init__

    def begin_otherwise(self: RequestResponseCycle, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        del self.waiting_for_100_continue

    monkeypatch.setattr(RequestResponseCycle, "__init__", begin_otherwise)
    assert find_fast_path_problem() == "RequestResponseCycle has no waiting_for_100_continue"


def test_a_method_that_is_not_called_any_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there, with the same parameters, and uvicorn does not use it."""

    def start(self: Any, cycle: Any, app: Any) -> None:
        task = self.loop.create_task(cycle.run_asgi(self.config.loaded_app))
        self.tasks.add(task)

    complete = HttpToolsProtocol.on_headers_complete

    def complete_otherwise(self: Any) -> None:
        self._start_asgi_task = start.__get__(self)
        complete(self)

    monkeypatch.setattr(HttpToolsProtocol, "on_headers_complete", complete_otherwise)
    assert find_fast_path_problem() == "a request in one piece is not answered as expected"


def test_idle_connections_that_stay_open_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_protocol.FastPathProtocol, "is_idle", False)
    assert find_fast_path_problem() == "an idle connection is not closed"


def test_it_leaves_no_event_loop_behind() -> None:
    find_fast_path_problem()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


# ---- the check knows all that is used --------------------------------------------------------------------------------


def used_attributes() -> dict[str, set[str]]:
    """What `uvicorn_protocol` reads of a connection, of a request's cycle and of its flow control."""
    tree = ast.parse(Path(uvicorn_protocol.__file__).read_text())
    (protocol,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "FastPathProtocol"]
    own = {node.name for node in protocol.body if isinstance(node, ast.FunctionDef)}
    declared = {ast.unparse(node.target) for node in protocol.body if isinstance(node, ast.AnnAssign)}
    own |= declared - {"cycle", "scope"}  # these only declare another type for what uvicorn has
    own |= {name for node in protocol.body if isinstance(node, ast.Assign) for name in map(ast.unparse, node.targets)}
    used: dict[str, set[str]] = {"connection": set(), "cycle": set(), "flow": set()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if owner in {"cycle", "self.cycle", "self._cycle"}:
                used["cycle"].add(node.attr)
            elif owner == "self.flow":
                used["flow"].add(node.attr)
    for node in ast.walk(protocol):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self", "super()"}:
            used["connection"].add(node.attr)
    used["connection"] -= own - METHODS["HttpToolsProtocol"].keys()
    return used


def test_it_checks_all_that_the_fast_path_uses() -> None:
    used = used_attributes()
    assert {"pipeline", "transport", "_start_asgi_task"} <= used["connection"]
    assert used["connection"] <= {*CONNECTION, *METHODS["HttpToolsProtocol"]}
    assert {"response_complete", "more_body"} <= used["cycle"] <= {*CYCLE}
    assert {"read_paused"} <= used["flow"] <= {*FLOW, *METHODS["FlowControl"]}


def test_only_one_module_imports_private_parts_of_uvicorn() -> None:
    importing = {
        path.name
        for path in Path(mlops_lab.__file__).parent.rglob("*.py")
        if re.search(r"^\s*(from|import) uvicorn\.(protocols|_)", path.read_text(), re.MULTILINE)
    }
    assert importing == {"uvicorn_protocol.py"}
