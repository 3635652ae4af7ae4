"""Several workers behind one port: whichever is asked, the answer is the same, and a change reaches all of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from running import Server, Talk, other_package, serving, until
from synthetic import World, ask, day_begin, tell

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import load_plan
from mlops_lab.replay.client import Client
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable, read_routing_table, write_routing_table
from mlops_lab.serving.answering.service import Service

CONNECTIONS = 16  # enough for every worker to get some


def with_workers(project: Project, number: int) -> Project:
    return load_project(project.root, flags=[f"serving.workers={number}"])


@pytest.fixture
def two(project: Project) -> Project:
    return with_workers(project, 2)


@pytest.fixture
def rows(world: World) -> list[dict[str, Any]]:
    return world.parcels.filter(pl.col("asked_at") >= day_begin(24)).to_dicts()


def answered_by(talk: Talk) -> Counter[str]:
    """How many rows each worker has answered, as any of them tells."""
    lines = [line for line in talk.text("/metrics").splitlines() if line.startswith("mlops_predictions_total")]
    told: Counter[str] = Counter()
    for line in lines:
        told[line.split('worker="')[1][0]] += int(line.split()[-1])
    return told


def test_whoever_is_asked_the_answer_is_the_same(two: Project, rows: list[dict[str, Any]]) -> None:
    with serving(two) as server:
        talks = [server.talk() for _ in range(CONNECTIONS)]
        assert len(server.workers) == 2
        first = [talk.predict(ask(row)) for talk, row in zip(talks, rows, strict=False)]
        for talk in talks:
            assert [talk.predict(ask(row)) for row in rows[:CONNECTIONS]] == first
            conflict = {**ask(rows[0]), "weight": 0.123}
            assert talk.post("/v1/predict", conflict)[0] == 409
        told = [talk.tell([tell(rows[0])])["counts"] for talk in talks]
        assert [counts["accepted"] for counts in told] == [1] + [0] * (CONNECTIONS - 1)
        assert [counts["duplicate"] for counts in told] == [0] + [1] * (CONNECTIONS - 1)
        time.sleep(0.3)  # the workers tell each other what they count ten times a second
        counted = answered_by(talks[0])
        assert counted == answered_by(talks[-1])
        assert counted.keys() == {"0", "1"}, "one worker got all connections"
        assert counted.total() == CONNECTIONS
        assert {talk.status["pending"] for talk in talks} == {CONNECTIONS - 1}
    lake = Lake(two.lake_path)
    ingest_journal(two, lake)
    assert Counter(lake.read("predictions")["id"]) == Counter({row["parcel_id"]: 1 for row in rows[:CONNECTIONS]})
    assert lake.read("outcomes").height == 1


def test_what_one_worker_learns_the_next_answer_of_any_sees(two: Project, world: World) -> None:
    """A fact is acknowledged by one worker and asked for at the others at once, again and again."""
    parcel = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).to_dicts()[0]
    with serving(two) as server:
        talks = [server.talk() for _ in range(CONNECTIONS)]
        for number in range(20):
            moment = day_begin(40) + timedelta(hours=number)
            fact = {"depot": parcel["depot"], "seen_at": moment.isoformat(), "load": 100.0 + number}
            talks[number % CONNECTIONS].add("traffic", [fact])
            later = moment + timedelta(minutes=30)
            for index, talk in enumerate(talks):
                request = ask({**parcel, "parcel_id": f"{number}-{index}", "asked_at": later})
                talk.predict(request)
    lake = Lake(two.lake_path)
    ingest_journal(two, lake)
    seen = lake.read("predictions").select(
        number=pl.col("id").str.split("-").list.first().cast(pl.Int64), load=pl.col("load")
    )
    assert seen.height == 20 * CONNECTIONS
    assert (seen["load"] == 100.0 + seen["number"]).all()


def test_two_requests_with_one_id_at_the_same_time_are_answered_once(two: Project, rows: list[dict[str, Any]]) -> None:
    with serving(two) as server:
        talks = [server.talk() for _ in range(4)]
        answers: dict[str, list[Any]] = {}
        for number, row in enumerate(rows[:60]):
            request = ask({**row, "parcel_id": f"twice-{number}"})
            barrier = threading.Barrier(len(talks))
            told = answers.setdefault(request["id"], [])

            def send(talk: Talk, request: Any = request, barrier: Any = barrier, told: Any = told) -> None:
                barrier.wait()
                told.append(talk.post("/v1/predict", request))

            threads = [threading.Thread(target=send, args=[talk]) for talk in talks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
    for told in answers.values():
        assert [answer == told[0] for answer in told] == [True] * 4
    lake = Lake(two.lake_path)
    ingest_journal(two, lake)
    assert Counter(lake.read("predictions")["id"]) == Counter(dict.fromkeys(answers, 1))


def test_a_worker_that_dies_is_started_again_and_nothing_is_forgotten(two: Project, rows: list[dict[str, Any]]) -> None:
    with serving(two) as server:
        first = {row["parcel_id"]: server.talk().predict(ask(row)) for row in rows[:20]}
        before = server.workers
        os.kill(before[0], signal.SIGKILL)
        for row in rows[20:40]:  # whoever is left answers
            first[row["parcel_id"]] = server.talk().predict(ask(row))
        until(lambda: len(server.workers) == 2 and before[0] not in server.workers)
        until(lambda: (two.workers_path / "counts-0.msgpack").exists())
        time.sleep(2.0)  # it imports what it needs
        for _ in range(CONNECTIONS):
            talk = server.talk()
            for row in rows[:40:7]:
                assert talk.predict(ask(row)) == first[row["parcel_id"]]
    lake = Lake(two.lake_path)
    ingest_journal(two, lake)
    assert Counter(lake.read("predictions")["id"]) == Counter(dict.fromkeys(first, 1))


# ---- hot swaps -------------------------------------------------------------------------------------------------------


def two_versions(project: Project) -> tuple[RoutingTable, list[LiveVersion]]:
    """What is live, and with it the same model as a further version that says otherwise: its texts' codes exchanged."""
    deployment = read_routing_table(project.deployment_path)
    categories = load_plan(project.root / deployment.champion.package).categories
    exchanged = {name: list(reversed(values)) for name, values in categories.items()}
    return deployment, [deployment.champion, other_package(project, deployment.champion, categories=exchanged)]


def swap(
    project: Project, deployment: RoutingTable, champion: LiveVersion, server: Server
) -> tuple[RoutingTable, float]:
    """Make another version the champion; how long it took until all workers said so."""
    deployment = msgspec.structs.replace(deployment, champion=champion, generation=deployment.generation + 1)
    talk = server.talk()
    began = time.monotonic()
    write_routing_table(project.deployment_path, deployment)
    until(lambda: talk.status["generation"] == deployment.generation, seconds=20)
    return deployment, time.monotonic() - began


@pytest.mark.parametrize(
    ("requests", "swaps"), [(6_000, 4), pytest.param(100_000, 20, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_a_swap_fails_no_request_and_mixes_no_answer(
    project: Project, rows: list[dict[str, Any]], requests: int, swaps: int
) -> None:
    """Every answer is that of one version, whole: its number is what that version says to that request."""
    project = load_project(project.root, flags=["serving.workers=2", "serving.durability=async"])
    deployment, lives = two_versions(project)
    bodies = [msgspec.json.encode({**ask(row), "id": None}) for row in rows[:50]]
    answers: list[tuple[int, Any]] = []
    with serving(project) as server:
        address = server.process.address
        expected = {}
        for live in reversed(lives):
            deployment, _ = swap(project, deployment, live, server)
            told = Client(address.host, address.port, connections=4)
            told.send("/v1/predict", bodies[:4])
            told.drain()
            for place, body in enumerate(bodies):
                answer = msgspec.json.decode(told.call("POST", "/v1/predict", body)[1])
                expected[place, live.version] = answer["output"]
            told.close()
        assert any(expected[place, 1] != expected[place, 2] for place in range(50))
        done = threading.Event()

        def load() -> None:
            client = Client(address.host, address.port, connections=CONNECTIONS)
            sent = 0
            while sent < requests or not done.is_set():
                answers.extend(client.send("/v1/predict", bodies))
                answers.extend(client.drain())
                sent += len(bodies)
            client.close()

        thread = threading.Thread(target=load)
        thread.start()
        seconds = []
        for number in range(swaps):
            deployment, took = swap(project, deployment, lives[(number + 1) % 2], server)
            seconds.append(took)
            time.sleep(0.1)
        done.set()
        thread.join(300)
        assert not thread.is_alive()
    assert len(answers) >= requests
    assert Counter(status for status, _ in answers) == Counter({200: len(answers)})
    decoded = [msgspec.json.decode(body) for _, body in answers]
    for number, answer in enumerate(decoded):
        assert answer["output"] == expected[number % 50, answer["version"]]
    assert {answer["version"] for answer in decoded} == {1, 2}
    assert max(seconds) < 1.0
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    logged = dict(lake.read("predictions").select("id", "version").iter_rows())
    assert {answer["id"]: answer["version"] for answer in decoded}.items() <= logged.items()


def test_stopping_under_load_loses_nothing(two: Project, rows: list[dict[str, Any]]) -> None:
    bodies = [msgspec.json.encode({**ask(row), "id": None}) for row in rows[:50]]
    acknowledged: list[str] = []
    with serving(two) as server:
        address = server.process.address

        def load() -> None:
            client = Client(address.host, address.port, connections=8)
            try:
                while True:
                    for status, body in [*client.send("/v1/predict", bodies), *client.drain()]:
                        assert status == 200
                        acknowledged.append(msgspec.json.decode(body)["id"])
            except ConnectionError:
                return

        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        os.kill(server.pid, signal.SIGTERM)
        assert server.process.wait() == 0
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    assert len(acknowledged) > 100
    lake = Lake(two.lake_path)
    ingest_journal(two, lake)
    ids = lake.read("predictions")["id"]
    assert ids.is_unique().all()
    assert set(acknowledged) <= set(ids)


def test_the_folder_of_a_worker_that_is_gone_is_still_read(project: Project, rows: list[dict[str, Any]]) -> None:
    """Three workers yesterday, one today."""
    with serving(with_workers(project, 3)) as server:
        first = {row["parcel_id"]: server.talk().predict(ask(row)) for row in rows[:40]}
    folders = {path.name for path in Path(project.journal_path).glob("worker-*")}
    assert folders == {"worker-1", "worker-2"}
    with serving(project) as server:
        talk = server.talk()
        assert {row["parcel_id"]: talk.predict(ask(row)) for row in rows[:40]} == first
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    assert Counter(lake.read("predictions")["id"]) == Counter(dict.fromkeys(first, 1))


def test_many_swaps_reach_a_worker_that_is_started_in_between(
    copy_project: Callable[..., Project], rows: list[dict[str, Any]]
) -> None:
    project = with_workers(copy_project(), 2)
    deployment, lives = two_versions(project)
    with serving(project) as server:
        os.kill(server.workers[1], signal.SIGKILL)
        for number in range(4):
            deployment, _ = swap(project, deployment, lives[(number + 1) % 2], server)
        until(lambda: len(server.workers) == 2)
        time.sleep(2.0)
        versions = {server.talk().predict({**ask(rows[0]), "id": f"v{one}"})["version"] for one in range(CONNECTIONS)}
        assert versions == {1}


@pytest.mark.parametrize("live", [True, False], ids=["following", "started again"])
def test_an_outcome_is_accepted_once_whoever_wrote_the_prediction_down(
    project: Project, rows: list[dict[str, Any]], live: bool
) -> None:
    """A worker that comes across the outcome before the prediction, which stands in the journal of another."""
    deployment = read_routing_table(project.deployment_path)
    first, second, third = services = [Service(project, deployment, worker=worker, workers=3) for worker in range(3)]
    request = msgspec.convert(ask(rows[0]), first.schemas.request)
    outcome = msgspec.convert(tell(rows[0]), first.schemas.outcome)
    assert second.predict([request])[0].id == rows[0]["parcel_id"]
    assert first.accept_outcomes([outcome])["counts"]["accepted"] == 1
    if not live:
        third.close()
        services[2] = third = Service(project, deployment, worker=2, workers=3)
    assert third.accept_outcomes([outcome])["counts"]["duplicate"] == 1
    assert third.pending == 0
    for service in services:
        service.close()
