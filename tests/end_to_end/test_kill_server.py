"""An acknowledged answer is never lost and never counted twice: kill -9 of a server under load, a dozen times."""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from running import Server, Talk, serving
from synthetic import World, ask, day_begin, tell

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project

KILLS, CLIENTS = 5, 4


class Client(threading.Thread):
    """Asks one request after the other, and tells every second outcome, until the server is gone."""

    def __init__(self, server: Server, name: str, rows: list[dict[str, Any]], known: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self._talk: Talk = server.talk()
        self._name = name
        self._rows = rows
        self._known = known
        self.answered: dict[str, dict[str, Any]] = {}
        self.told: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        number = 0
        try:
            while True:
                row = {**self._rows[number % len(self._rows)], "parcel_id": f"{self._name}-{number}"}
                status, answer = self._talk.post("/v1/predict", ask(row))
                if status != 200:
                    self.failures.append(str(answer))
                    return
                self.answered[answer["id"]] = answer
                if number % 7 == 3 and self._known:  # an answer from before the last kill is repeated
                    name = random.choice(list(self._known))
                    row = {**self._rows[int(name.split("-")[-1]) % len(self._rows)], "parcel_id": name}
                    status, again = self._talk.post("/v1/predict", ask(row))
                    if (status, again) != (200, self._known[name]):
                        self.failures.append(f"{name} was {self._known[name]} and is {again}")
                if number % 2:
                    row = {**self._rows[number % len(self._rows)], "parcel_id": answer["id"]}
                    _, told = self._talk.post("/v1/outcomes", {"outcomes": [tell(row)]})
                    if told.get("counts", {}).get("accepted") != 1:
                        self.failures.append(str(told))
                    self.told.append(answer["id"])
                number += 1
        except (OSError, http.client.HTTPException, ValueError):
            return  # killed; ValueError: in the middle of an answer


class Ingester(threading.Thread):
    """Moves the journal into the lake, in processes that are killed in the middle, one after the other."""

    def __init__(self, project: Project, draw: random.Random) -> None:
        super().__init__()
        self._command = [sys.executable, "-c", INGEST, str(project.root)]
        self._draw = draw
        self.stop = threading.Event()
        self.killed = 0

    def run(self) -> None:
        while not self.stop.is_set():
            process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(self._draw.uniform(0.0, 0.5))
            process.kill()
            process.wait()
            process.stdout.close()
            self.killed += 1


INGEST = """
import sys
from pathlib import Path
from mlops_lab.lake import Lake
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.project import load_project
project = load_project(Path(sys.argv[1]))
lake = Lake(project.lake_path)
print("ready", flush=True)
while True:
    ingest_journal(project, lake)
"""


@pytest.mark.parametrize(
    ("kills", "workers", "durability"),
    [
        pytest.param(KILLS, 1, "async", marks=pytest.mark.timeout(240)),
        pytest.param(60, 2, "fsync", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
        pytest.param(60, 1, "fsync", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def test_what_was_acknowledged_is_kept_exactly_once(
    copy_project: Callable[..., Project], world: World, kills: int, workers: int, durability: str
) -> None:
    """The slow ones kill 120 servers, and as many processes that move the journal into the lake meanwhile."""
    copy = copy_project()
    project = load_project(copy.root, flags=[f"serving.workers={workers}", f"serving.durability={durability}"])
    lake = Lake(project.lake_path)
    # within the days for which a server remembers what it answered, however fast it answers
    rows = world.parcels.filter(pl.col("asked_at").is_between(day_begin(24), day_begin(28))).to_dicts()
    draw = random.Random(5)
    answered: dict[str, dict[str, Any]] = {}
    told: list[str] = []
    ingester = Ingester(project, random.Random(6))
    if kills > KILLS:
        ingester.start()
    for kill in range(kills):
        if kill % 4 == 2:
            ingest_journal(project, lake)  # the next server starts beside a lake that has taken over a part
        if kill % 4 == 3:
            Loop(project).act(new_state=True)  # and then from a new state
        with serving(project) as server:
            clients = [Client(server, f"{kill}-{number}", rows, dict(answered)) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(draw.uniform(0.02, 0.8))
            server.kill()
            for client in clients:
                client.join(60)
                assert not client.is_alive()
                assert client.failures == []
                answered |= client.answered
                told += client.told
    ingester.stop.set()
    if ingester.is_alive():
        ingester.join(30)
        assert ingester.killed > kills / 2

    ingest_journal(project, lake)
    ingest_journal(project, lake)

    assert len(answered) > 100
    predictions = lake.read("predictions")
    assert predictions["id"].is_unique().all()
    logged = {row["id"]: row for row in predictions.to_dicts()}
    lost = answered.keys() - logged.keys()
    assert not lost
    for name, answer in answered.items():
        assert (logged[name]["output"], logged[name]["version"], logged[name]["role"]) == (
            answer["output"],
            answer["version"],
            answer["role"],
        )
    outcomes = lake.read("outcomes")
    assert set(outcomes["verdict"]) == {"accepted"}
    assert outcomes["id"].is_unique().all()
    assert set(told) <= set(outcomes["id"])
    assert set(outcomes["id"]) <= set(logged)
    joined = outcomes.select("id", ended="output").join(predictions.select("id", "output"), on="id")
    assert joined.height == outcomes.height
    assert joined["ended"].equals(joined["output"], check_names=False)
    # what was written down but not acknowledged may be there: at most one request and one outcome a client and kill
    assert len(logged) - len(answered) <= kills * CLIENTS
    assert outcomes.height - len(told) <= kills * CLIENTS


def test_a_torn_frame_is_cut_off(copy_project: Callable[..., Project], world: World) -> None:
    """As after a power cut in the middle of a write: the last frame is half there."""
    project = copy_project()
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(20).to_dicts()
    with serving(project) as server:
        talk = server.talk()
        answers = [talk.predict(ask(row)) for row in rows[:10]]
        server.kill()
    (segment,) = project.journal_path.glob("*.log")
    with segment.open("ab") as file:
        file.write(segment.read_bytes()[:40])
    with serving(project) as server:
        talk = server.talk()
        answers += [talk.predict(ask(row)) for row in rows]
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    logged = Counter(lake.read("predictions")["id"])
    assert logged == Counter({row["parcel_id"]: 1 for row in rows})
    assert {answer["id"]: answer for answer in answers[:10]} == {answer["id"]: answer for answer in answers[10:20]}
