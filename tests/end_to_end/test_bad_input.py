"""Tens of thousands of bad inputs over real sockets: none is answered with a fault, none hangs, nothing is left behind."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httptools
import pytest
from badness import Badness
from raw import HEALTH, PREDICT, Raw, raw
from running import Server, serving

from mlops_lab.project import Project

HANGS_AFTER_SECONDS = 60
GROWTH_MIB = 24
"""What may be taken once and for all on the way: arenas of the allocator, and 0.5 kB for what was answered after all."""


def examples(server: Server) -> list[tuple[str, Any]]:
    """What every path that takes something takes, from the server's own description; always the same prediction."""
    with raw(server.process.address) as connection:
        document = connection.ask(b"GET /openapi.json HTTP/1.1\r\n\r\n").json
    found: list[tuple[str, Any]] = [
        ("/v1/predict", [json.loads(PREDICT.partition(b"\r\n\r\n")[2]) | {"id": "same"}] * 3)
    ]
    for path, operations in document["paths"].items():
        if "post" in operations:
            for media in operations["post"]["requestBody"]["content"].values():
                values = [example["value"] for example in media.get("examples", {}).values()]
                found += [(path.replace("{version}", "1"), named(value)) for value in values]
    assert {path.split("/")[1] for path, _ in found} == {"v1", "v2", "invocations", "vertex", "score"}
    return found


def named(value: Any) -> Any:
    """The rows with an id that all others have, so that hardly any is answered anew and remembered."""
    if isinstance(value, dict):
        value = {name: named(inner) for name, inner in value.items()}
        return value | {"id": "same"} if "depot" in value and not isinstance(value["depot"], list) else value
    return [named(inner) for inner in value] if isinstance(value, list) else value


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.fixture
def small(copy_project: Callable[..., Project]) -> Iterator[Server]:
    with serving(copy_project()) as running:
        yield running


@pytest.mark.parametrize("inputs", [3_000, pytest.param(60_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_bad_inputs_are_refused_and_leave_nothing_behind(small: Server, inputs: int) -> None:
    address, pid = small.process.address, small.pid
    badness = Badness(examples(small), small.talk().token, seed=inputs)
    statuses: Counter[int] = Counter()
    connection = Raw(address, HANGS_AFTER_SECONDS)
    warm = 0.0
    for number in range(inputs):
        if number == inputs // 3:
            warm = resident_mib(pid)
        if number % 3:
            sent = badness.request()
            connection.answers.clear()
            connection.send(sent)
            told = connection.read(1)
            if not told:  # it was closed before: on a new one, each is answered
                connection.socket.close()
                connection = Raw(address, HANGS_AFTER_SECONDS)
                connection.send(sent)
                told = connection.read(1)
            assert len(told) == 1, sent[:3000]
        else:
            sent = badness.stream()
            with raw(address, HANGS_AFTER_SECONDS) as broken:
                broken.send(sent)
                with suppress(OSError):
                    broken.socket.shutdown(1)
                with suppress(httptools.HttpParserError):  # to HEAD there is an answer without the body it tells of
                    broken.read()
                told = broken.answers
        for one in told:
            statuses[one.status] += 1
            assert one.status < 500, (one, sent[:3000])
            if one.status >= 400:
                assert one.json, (one, sent[:3000])
    connection.socket.close()

    with raw(address) as last:
        assert last.ask(PREDICT).status == 200
        assert last.ask(HEALTH).status == 200
    assert small.process.address.pid == pid
    log = (small.project.home / "server.log").read_text()
    assert log == "", log[-3000:]
    assert sum(statuses[status] for status in statuses if 400 <= status < 500) > 0.7 * inputs, statuses
    assert {400, 401, 404, 408, 409, 413, 415, 431} & statuses.keys() >= {400, 401, 404, 409, 415}, statuses
    assert resident_mib(pid) - warm < GROWTH_MIB
