"""Back to the version before: at once, and nobody's request fails."""

from __future__ import annotations

import os
import pwd
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from running import Server, Talk, mlops, other_package, serving, until
from synthetic import World, ask, day_begin, tell

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.serving.answering.routing_table import RoutingTable, read_routing_table, write_routing_table


@pytest.fixture
def promoted(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """Version 2 is live, and version 1 was before."""
    return copy_project(lived / "promoted")


@pytest.fixture
def rows(world: World) -> list[dict[str, Any]]:
    """Parcels that nobody has asked about yet."""
    return world.parcels.filter(pl.col("asked_at") >= day_begin(33)).to_dicts()


class Traffic(threading.Thread):
    """Asks without a pause; keeps every answer, good or bad."""

    def __init__(self, server: Server, rows: list[dict[str, Any]], name: str) -> None:
        super().__init__()
        self._talk, self._rows, self._name = server.talk(), rows, name
        self.stop = threading.Event()
        self.answers: list[tuple[int, Any]] = []

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            row = {**self._rows[number % len(self._rows)], "parcel_id": f"{self._name}-{number}"}
            try:
                self.answers.append(self._talk.post("/v1/predict", ask(row)))
            except Exception as error:
                self.answers.append((0, repr(error)))
                return
            number += 1


def test_rollback_takes_effect_within_a_second_and_fails_no_request(
    promoted: Project, rows: list[dict[str, Any]]
) -> None:
    loop = Loop(promoted)
    with serving(promoted) as server:
        talk = server.talk()
        assert talk.status["champion"] == 2
        traffic = [Traffic(server, rows, str(number)) for number in range(3)]
        for client in traffic:
            client.start()
        time.sleep(0.3)
        seen: list[float] = []
        watch = threading.Thread(target=_wait_for_champion, args=(server.talk(), 1, seen))
        watch.start()

        began = time.monotonic()
        decision = loop.roll_back(day_begin(33), by="test", reason="to see how fast it is")
        watch.join(30)

        time.sleep(0.2)
        for client in traffic:
            client.stop.set()
        for client in traffic:
            client.join(30)
        assert decision.what is DecisionKind.ROLL_BACK
        assert seen, "it never took effect"
        assert seen[0] - began < 1.0
    answers = [answer for client in traffic for answer in client.answers]
    assert {status for status, _ in answers} == {200}
    by_client = [[answer["version"] for _, answer in client.answers] for client in traffic]
    for versions in by_client:
        assert versions == sorted(versions, reverse=True), "first all by version 2, then all by version 1"
        assert {1, 2} == set(versions)
    ingest_journal(promoted, loop.lake)
    logged = loop.lake.read("predictions").filter(pl.col("id").str.contains("-"))
    assert dict(logged.select("id", "version").iter_rows()) == {
        answer["id"]: answer["version"] for _, answer in answers
    }


def _wait_for_champion(talk: Talk, version: int, seen: list[float]) -> None:
    until(lambda: talk.status["champion"] == version, seconds=20)
    seen.append(time.monotonic())


def test_the_command_rolls_back_and_history_says_so(promoted: Project, rows: list[dict[str, Any]]) -> None:
    with serving(promoted) as server:
        talk = server.talk()
        before = talk.predict(ask(rows[0]))
        ran = mlops("rollback", "--reason", "it smells", project=promoted.root)
        until(lambda: talk.status["champion"] == 1)
        after = talk.predict(ask({**rows[0], "parcel_id": "once more"}))
        assert (before["version"], after["version"]) == (2, 1)
        assert talk.predict(ask(rows[0])) == before, "an answer once given stays"
        assert talk.tell([tell(rows[0])])["counts"]["accepted"] == 1
    assert ran.data["what"] == "roll_back"
    assert ran.data["reason"] == "it smells"
    assert ran.data["by"] == pwd.getpwuid(os.getuid()).pw_name
    assert ran.data["champion"] == 1
    last = mlops("history", project=promoted.root).data["decisions"][-1]
    assert {key: last[key] for key in ran.data if key != "champion"} | {"champion": 1} == ran.data
    error = mlops("rollback", project=promoted.root, code=1).error
    assert error["code"] == "nothing_to_roll_back"


def test_rolling_back_a_challenger_leaves_the_champion(promoted: Project) -> None:
    loop = Loop(promoted)
    package = loop.decisions[-3].evidence
    evidence = {"package": package["package"], "fingerprint": package["fingerprint"]}
    loop.record(Decision(day_begin(33), DecisionKind.SHADOW, 3, "test", "a third version", "test", evidence))
    loop.act()
    with serving(promoted) as server:
        talk = server.talk()
        assert (talk.status["champion"], talk.status["challenger"]) == (2, 3)
        Loop(promoted).roll_back(day_begin(33), by="test", reason="enough")
        until(lambda: talk.status["challenger"] is None)
        assert talk.status["champion"] == 2


def deployed(project: Project, **changes: Any) -> RoutingTable:
    """Write a routing table that says something else."""
    present = read_routing_table(project.deployment_path)
    deployment = msgspec.structs.replace(present, generation=present.generation + 1, **changes)
    write_routing_table(project.deployment_path, deployment)
    return deployment


def test_a_package_that_was_changed_is_not_served(promoted: Project, rows: list[dict[str, Any]]) -> None:
    present = read_routing_table(promoted.deployment_path)
    other = other_package(promoted, present.champion)
    model = promoted.root / other.package / "model.txt"
    good = model.read_bytes()
    model.write_bytes(good.replace(b"leaf_value=", b"leaf_value=0.5 ", 1))
    with serving(promoted) as server:
        talk = server.talk()
        before = talk.predict(ask(rows[0]))

        deployed(promoted, champion=other)

        until(lambda: talk.status["deployment_error"])
        status = talk.status
        assert (status["champion"], status["generation"]) == (2, present.generation)
        assert "was changed" in status["deployment_error"]
        again = talk.predict(ask({**rows[0], "parcel_id": "again"}))
        assert (again["version"], again["output"]) == (2, before["output"])

        model.write_bytes(good)
        deployed(promoted, champion=other)
        until(lambda: talk.status["champion"] == 3)
        assert talk.status["deployment_error"] is None


@pytest.mark.parametrize("text", ["", "{", '{"format":1}', "[]", "\x00\xff"])
def test_a_routing_table_that_is_none_is_not_followed(
    copy_project: Callable[..., Project], world: World, text: str
) -> None:
    project = copy_project()
    with serving(project) as server:
        talk = server.talk()
        good = project.deployment_path.read_bytes()
        project.deployment_path.write_text(text)
        until(lambda: talk.status["deployment_error"])
        assert talk.status["champion"] == 1
        project.deployment_path.write_bytes(good)
        until(lambda: talk.status["deployment_error"] is None)


def test_a_deployment_that_fails_half_way_leaves_what_was_known(promoted: Project, rows: list[dict[str, Any]]) -> None:
    """A version with other views needs a state built anew; where that fails, ids, outcomes and facts must not be lost."""
    present = read_routing_table(promoted.deployment_path)
    plan = load_plan(promoted.root / present.champion.package)
    views = [{**view, "over": "24h"} if view["over"] else view for view in plan.features["views"]]
    other = other_package(promoted, present.champion, features={**plan.features, "views": views})
    with serving(promoted) as server:
        talk = server.talk()
        asked = [talk.predict(ask(row)) for row in rows[:30]]
        talk.tell([tell(row) for row in rows[:10]])
        before = talk.status

        deployed(promoted, champion=other, state=".mlops/serving/not there")

        until(lambda: talk.status["deployment_error"])
        assert talk.status["pending"] == before["pending"]
        assert [talk.predict(ask(row)) for row in rows[:30]] == asked
        counts = talk.tell([tell(row) for row in rows[:20]])["counts"]
        assert (counts["duplicate"], counts["accepted"]) == (10, 10)
        late = {**rows[35], "asked_at": max(row["arrived_at"] for row in rows[:20]), "depot": rows[15]["depot"]}
        seen = talk.predict(ask({**late, "parcel_id": "seen"}))
        Loop(promoted).act()
    with serving(promoted) as server:  # from a good state and the whole journal: the same request, the same answer
        ingest_journal(promoted, Lake(promoted.lake_path))
        assert server.talk().predict(ask({**late, "parcel_id": "seen again"}))["output"] == seen["output"]
