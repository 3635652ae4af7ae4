"""Copies of a project under load: what was acknowledged before the copy began is in it, each once, and it goes on."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from running import Talk, mlops, mlops_serve
from synthetic import World, ask, day_begin, tell

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.project import Project, load_project
from mlops_lab.tables.open_lake import open_lake

LOOP = """
import sys
from pathlib import Path
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.project import load_project

loop = Loop(load_project(Path(sys.argv[1])))
while True:
    ingest_journal(loop.project, loop.lake)
    loop.act(new_state=True)
"""


class Client(threading.Thread):
    """Asks, and tells every second outcome; `answered` and `told` hold what was acknowledged."""

    def __init__(self, talk: Talk, name: str, rows: list[dict[str, Any]], stop: threading.Event) -> None:
        super().__init__()
        self._talk, self._name, self._rows, self._stopping = talk, name, rows, stop
        self.answered: dict[str, dict[str, Any]] = {}
        self.told: set[str] = set()

    def run(self) -> None:
        number = 0
        try:
            while not self._stopping.is_set():
                row = {**self._rows[number % len(self._rows)], "parcel_id": f"{self._name}-{number}"}
                status, answer = self._talk.post("/v1/predict", ask(row))
                assert status == 200, answer
                self.answered[answer["id"]] = answer
                if number % 2:
                    self._talk.post("/v1/outcomes", {"outcomes": [tell(row)]})
                    self.told.add(answer["id"])
                number += 1
        except (OSError, http.client.HTTPException):
            return


@contextmanager
def served(project: Project, *words: str) -> Iterator[Callable[[], Talk]]:
    """`mlops serve`; opens connections to it."""
    with mlops_serve(project.root, *words) as ready:
        host, _, port = ready["ready"].removeprefix("http://").partition(":")
        yield lambda: Talk(project, host, int(port))


@contextmanager
def under_load(project: Project, world: World) -> Iterator[list[Client]]:
    """A server with two workers, a loop that does nothing but move records, and clients."""
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(40).to_dicts()
    stop = threading.Event()
    with served(project, "--workers", "2") as connect:
        loop = subprocess.Popen([sys.executable, "-c", LOOP, str(project.root)])
        clients = [Client(connect(), f"client{number}", rows, stop) for number in range(3)]
        try:
            for client in clients:
                client.start()
            yield clients
        finally:
            stop.set()
            for client in clients:
                client.join()
            loop.kill()
            loop.wait()


def acknowledged(clients: list[Client]) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The answers and the outcomes that were acknowledged by now."""
    answered = {name: answer for client in clients for name, answer in dict(client.answered).items()}
    return answered, {name for client in clients for name in set(client.told)}


def check_copy(folder: Path, answered: dict[str, dict[str, Any]], told: set[str], world: World) -> None:
    """The copy holds what was acknowledged, each once, and answers as the project did."""
    project = load_project(folder)
    lake = open_lake(project)
    ingest_journal(project, lake)
    logged = Counter(lake.read("predictions")["id"])
    assert answered.keys() <= logged.keys()
    assert max(logged.values()) == 1
    accepted = Counter(lake.read("outcomes").filter(verdict="accepted")["id"])
    assert told <= accepted.keys()
    assert max(accepted.values()) == 1
    assert check_log(lake).problems == []
    mlops("tick", project=folder)
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(40).to_dicts()
    name = sorted(answered)[-1]
    again = {**rows[int(name.split("-")[1]) % len(rows)], "parcel_id": name}
    with served(project) as connect:
        talk = connect()
        assert talk.post("/v1/predict", ask(again)) == (200, answered[name])
        assert talk.post("/v1/predict", ask({**rows[0], "parcel_id": "after"}))[0] == 200
        pending = sorted(answered.keys() - accepted.keys())[:3]
        outcomes = [tell({**rows[int(name.split("-")[1]) % len(rows)], "parcel_id": name}) for name in pending]
        assert talk.post("/v1/outcomes", {"outcomes": outcomes})[1]["counts"]["accepted"] == len(pending)
    assert mlops("status", project=folder).data["predictions"] == len(logged) + 1
    mlops("features", "verify", project=folder)


def wait_for(clients: list[Client], more: int) -> None:
    """Until the clients have so many more answers."""
    wanted = len(acknowledged(clients)[0]) + more
    deadline = time.monotonic() + 100
    while len(acknowledged(clients)[0]) < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_backup_of_a_live_project_is_restored(
    copy_project: Callable[..., Project], world: World, tmp_path: Path
) -> None:
    project = copy_project()
    with under_load(project, world) as clients:
        wait_for(clients, 200)
        answered, told = acknowledged(clients)
        made = mlops("backup", tmp_path / "backup", project=project.root).data
        wait_for(clients, 50)
    restored = mlops("restore", tmp_path / "backup", project=tmp_path / "restored").data
    assert (restored["files"], restored["bytes"]) == (made["files"], made["bytes"])
    check_copy(tmp_path / "restored", answered, told, world)


@pytest.mark.slow
def test_a_plain_copy_of_a_live_project_goes_on(
    copy_project: Callable[..., Project], world: World, tmp_path: Path
) -> None:
    project, copies = copy_project(), []
    with under_load(project, world) as clients:
        for number in range(3):
            wait_for(clients, 60)
            answered, told = acknowledged(clients)
            # files that vanish meanwhile make it end with 1: they are those of states that were replaced
            copied = subprocess.run(
                ["cp", "-r", project.root, tmp_path / str(number)], check=False, capture_output=True
            )
            assert copied.returncode == 0 or all("/serving/" in line for line in copied.stderr.decode().splitlines())
            copies.append((tmp_path / str(number), answered, told))
    for folder, answered, told in copies:
        check_copy(folder, answered, told, world)


@pytest.mark.slow
@pytest.mark.parametrize("half", [".mlops/journal", ".mlops/lake"])
def test_a_copy_of_which_one_half_is_older_goes_on(
    copy_project: Callable[..., Project], world: World, tmp_path: Path, half: str
) -> None:
    """A backup that was restored in part: the journal alone, or the tables alone."""
    project = copy_project()
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(40).to_dicts()
    with served(project) as connect:
        first = [connect().predict(ask(row))["id"] for row in rows[:10]]
        shutil.copytree(project.root / half, tmp_path / "half")
        second = [connect().predict(ask(row))["id"] for row in rows[10:20]]
        mlops("tick", project=project.root)
    shutil.rmtree(project.root / half)
    shutil.copytree(tmp_path / "half", project.root / half)
    for rows_then in (rows[20:30], rows[30:40]):  # as long as it was, and longer
        with served(project) as connect:
            second += [connect().predict(ask(row))["id"] for row in rows_then]
            outcome = {"outcomes": [tell(rows_then[0]), tell(rows[15])]}
            assert connect().post("/v1/outcomes", outcome)[1]["counts"]["unknown"] == 0
    mlops("tick", project=project.root)
    lake = open_lake(load_project(project.root))
    assert Counter(lake.read("predictions")["id"]) == Counter([*first, *second])
    alert = mlops("status", project=project.root).data["alert"]
    assert (alert is not None and alert["rule"] == "journal") == (half == ".mlops/journal")
