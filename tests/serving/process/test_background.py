"""The routing table is followed whatever happens: what failed is tried again, said once, and ends nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from in_process import InProcessServer, in_process_server

from mlops_lab import clock
from mlops_lab.serving.answering.counts import counts_path, read_counts
from mlops_lab.serving.answering.request_days import read_day
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable, write_routing_table
from mlops_lab.serving.answering.trials import Trial, note_trial
from mlops_lab.serving.process import background


@pytest.fixture
def server(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessServer]:
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "tiny") as started:
        yield started


def follow(server: InProcessServer, *steps: Callable[[], object], until: Callable[[], bool]) -> None:
    """Run the background tasks: do the steps with some turns between them, then wait until the condition holds."""

    async def run() -> None:
        tasks = server.app._background
        tasks.start()
        try:
            for step in steps:
                await asyncio.sleep(0.1)
                step()
            async with asyncio.timeout(20):
                while not until():
                    await asyncio.sleep(0.01)
        finally:
            tasks.stop()

    server._runner.run(run())


def write(server: InProcessServer, **changes: Any) -> RoutingTable:
    """Write another routing table."""
    table = msgspec.structs.replace(server.service.models.routing_table, **changes)
    write_routing_table(server.service.project.deployment_path, table)
    return table


def status(server: InProcessServer) -> dict[str, Any]:
    told: dict[str, Any] = server.send("GET", "/v1/status").json()
    return told


def another(server: InProcessServer, name: str = "other") -> tuple[LiveVersion, Path, Path]:
    """A second version, whose package is not there yet: the version, where it is, and where it must be."""
    project, first = server.service.project, server.service.models.routing_table.champion
    package = project.root / first.package
    away, there = package.with_name(f"{name}.away"), package.with_name(name)
    away.mkdir()
    for file in package.iterdir():
        (away / file.name).write_bytes(file.read_bytes())
    return msgspec.structs.replace(first, version=2, package=str(there.relative_to(project.root))), away, there


def test_what_could_not_be_taken_over_once_is_tried_again(
    server: InProcessServer, caplog: pytest.LogCaptureFixture
) -> None:
    live, away, there = another(server)
    seen: list[dict[str, int]] = []

    def look() -> None:
        seen.append(
            {"champion": server.service.models.champion.version, "error": bool(server.service.deployment_error)}
        )

    follow(
        server,
        lambda: write(server, champion=live, generation=2),
        look,
        lambda: away.rename(there),
        until=lambda: server.service.models.champion.version == 2,
    )
    assert seen == [{"champion": 1, "error": True}]
    assert (status(server)["deployment_error"], status(server)["generation"]) == (None, 2)
    told = [record for record in caplog.records if "was not taken over" in record.message]
    assert len(told) == 1, "the same reason is logged once"


def test_an_unexpected_error_does_not_end_the_follower(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    prepare, tries = server.service.prepare, []

    def fail_twice(table: RoutingTable) -> Any:
        tries.append(table)
        if len(tries) <= 2:
            raise KeyError("a bug")
        return prepare(table)

    monkeypatch.setattr(server.service, "prepare", fail_twice)
    follow(
        server,
        lambda: write(server, generation=2),
        until=lambda: server.service.models.routing_table.generation == 2,
    )
    assert len(tries) == 3


@pytest.mark.parametrize("role", ["previous", "challenger"])
def test_a_version_beside_the_champion_that_is_not_there_is_named_and_loaded_later(
    server: InProcessServer, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    live, away, there = another(server)
    seen: list[Any] = []

    def look() -> None:
        models = server.service.models
        seen.append((models.routing_table.generation, models.champion.version, list(models.faults)))

    follow(
        server,
        lambda: write(server, generation=2, **{role: live}),
        look,
        until=lambda: server.service.models.routing_table.generation == 2,
    )
    assert seen == [(2, 1, [2])]
    told = status(server)
    assert (told["generation"], told["deployment_error"], list(told["not_loaded"])) == (2, None, ["2"])
    assert "cannot be read" in told["not_loaded"]["2"]
    metrics = server.send("GET", "/metrics").text
    assert 'mlops_version_not_loaded{version="2",worker="0"} 1' in metrics
    assert 'mlops_deployment_generation{worker="0"} 2' in metrics
    assert 'mlops_deployment_failed{worker="0"} 0' in metrics
    assert any("version 2 was not loaded" in record.message for record in caplog.records)
    follow(server, lambda: away.rename(there), until=lambda: not server.service.models.faults)
    assert len(server.service.models.predictors) == 2
    assert status(server)["not_loaded"] == {}


def test_a_file_that_is_away_for_a_while_is_said_once_and_forgotten_when_it_is_back(
    server: InProcessServer, caplog: pytest.LogCaptureFixture
) -> None:
    path = server.service.project.deployment_path
    away = path.with_name("away")
    errors: list[str | None] = []
    follow(
        server,
        lambda: path.rename(away),
        lambda: errors.append(server.service.deployment_error),
        lambda: away.rename(path),
        until=lambda: server.service.deployment_error is None,
    )
    assert errors[0]
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_an_older_table_is_never_followed(server: InProcessServer) -> None:
    follow(
        server,
        lambda: write(server, generation=5),
        lambda: write(server, generation=4),
        until=lambda: server.service.deployment_error is not None,
    )
    told = status(server)
    assert (told["generation"], told["generations"]) == (5, {"0": 5})
    assert "generation 4" in told["deployment_error"]
    assert 'mlops_deployment_failed{worker="0"} 1' in server.send("GET", "/metrics").text


def test_one_worker_publishes_its_counts_too_and_counts_predictions_by_day(server: InProcessServer) -> None:
    assert server.send("POST", "/v1/predict", b"no JSON").status_code == 400
    assert server.send("GET", "/healthz").status_code == 200
    project = server.service.project
    path = counts_path(project.workers_path, 0)
    follow(server, until=lambda: ("requests", "/healthz", "200") in read_counts(path).counted)
    today = clock.now().astimezone(ZoneInfo(project.timezone)).date().isoformat()
    found = read_day(project.workers_path, today)
    assert found is not None
    assert (sum(found.buckets), found.rejected, found.failed) == (1, 1, 0), "only requests for predictions"


def test_what_was_counted_is_there_for_the_loop_though_nobody_asks(server: InProcessServer) -> None:
    """The guardrails of a rollout read the file; one worker wrote it only when somebody asked for its metrics."""
    path = counts_path(server.service.project.workers_path, 0)

    def count() -> None:
        note_trial(server.service.counts.trials, 1, Trial(asked=7, failed=2))

    follow(server, count, until=lambda: 1 in read_counts(path).trials)
    assert [trial.asked for trial in read_counts(path).trials[1]] == [7, 0]
