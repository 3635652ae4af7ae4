"""The whole loop with an MLflow server: it is stopped and started again, and answers never wait for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from mlflow.tracking import MlflowClient
from mlflow_server import MlflowServer
from moto.server import ThreadedMotoServer
from postgres_server import PASSWORD, postgres_uri
from running import Ran, mlops, serving
from synthetic import PAST_DAYS, ask, day_begin, make_world, write_project
from ticking import play_days

from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.registry.store.server_store import away
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.serving.answering.routing_table import read_routing_table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WORLD = make_world()


@pytest.fixture
def server_with_files(tmp_path: Path) -> Iterator[MlflowServer]:
    """With SQLite; artifacts go through the server into a folder."""
    server = MlflowServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server_with_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowServer]:
    """With PostgreSQL; artifacts go from here to S3, without the server."""
    objects = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    objects.start()
    host, port = objects.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="models")
    server = MlflowServer(
        tmp_path,
        backend=postgres_uri(),
        options=["--no-serve-artifacts", "--default-artifact-root", "s3://models/lab"],
        variables={"PGPASSWORD": PASSWORD},
    )
    server.start()
    yield server
    server.stop()
    objects.stop()


@dataclass
class Life:
    """A project that lives with a tracking server."""

    server: MlflowServer
    project: Project
    played: int = field(default=PAST_DAYS)

    @property
    def root(self) -> Path:
        return self.project.root

    @property
    def decided(self) -> list[str]:
        return [str(decision.what) for decision in read_decisions(Lake(self.project.lake_path))]

    @property
    def predictions(self) -> int:
        return Lake(self.project.lake_path).read("predictions").height

    def play(self, days: int) -> None:
        """Live on: requests are answered, outcomes accepted, and a tick ends each day."""
        play_days(self.project, WORLD, self.played, self.played + days)
        self.played += days

    def play_until(self, what: str) -> None:
        for _ in range(4):
            if self.decided[-1] == what:
                return
            self.play(1)
        assert self.decided[-1] == what

    def start(self) -> None:
        self.server.start()
        away.clear()  # of this process, which remembers for ten seconds that it was away

    def tick(self, code: int = 0) -> Ran:
        return mlops("tick", project=self.root, code=code)

    def alias(self, name: str = "champion") -> int:
        return int(MlflowClient(self.server.url).get_model_version_by_alias("parcels", name).version)

    def versions(self) -> list[tuple[int, str]]:
        found = MlflowClient(self.server.url).search_model_versions("name='parcels'")
        return sorted((int(version.version), version.tags["fingerprint"]) for version in found)


def begin(server: MlflowServer, folder: Path) -> Life:
    root = folder / "parcels"
    write_project(root, WORLD)
    with (root / "mlops.toml").open("a") as file:
        file.write(f'\n[tracking]\nuri = "{server.url}"\n')
    mlops("run", project=root)
    return Life(server, load_project(root))


def answer(life: Life, number: int = 0) -> dict[str, Any]:
    """The answer of a real server to a request of the next day: an id that was answered gets the same answer again."""
    row = WORLD.parcels.filter(WORLD.parcels["asked_at"] >= day_begin(life.played)).row(number, named=True)
    with serving(life.project) as running:
        return running.talk().predict(ask(row))


def live_through_outages(life: Life) -> None:
    """Train and promote while the server is away now and then; the first version answers, then the second."""
    assert life.alias() == 1
    assert not life.project.mlflow_path.exists()
    life.play(5)

    life.server.stop()
    before = life.predictions
    life.play(1)
    assert life.decided[-1] == "retrain", "what needs no registry was decided"
    assert answer(life)["version"] == 1
    life.play(1)
    assert life.predictions > before, "answers and their log go on"
    (waits,) = life.tick().data["waiting"]
    assert waits.startswith("a training waits: the tracking server does not answer")
    assert mlops("run", project=life.root, code=3).error["code"] == "tracking_fault"
    assert life.decided[-1] == "retrain"

    life.start()
    ticked = life.tick().data
    assert ticked["waiting"] == []
    assert [(made["what"], made["version"]) for made in ticked["decisions"]] == [("shadow", 2)]
    assert len(life.versions()) == 2
    life.play_until("canary")

    life.server.stop()
    life.play_until("promote")
    (waits,) = life.tick().data["waiting"]
    assert "alias `champion` could not be set to version 2" in waits
    assert answer(life)["version"] == 2

    life.start()
    assert life.alias() == 1
    assert life.tick().data["waiting"] == []
    assert life.alias() == 2
    mlops("rollback", project=life.root)
    assert life.alias() == 1


def move_to_another_machine(life: Life, folder: Path) -> None:
    """A copy of the project without its packages gets them, once; without the server it says why it cannot."""
    second = Life(life.server, load_project(shutil.copytree(life.root, folder / "second")), life.played)
    shutil.rmtree(second.project.packages_path)
    second.tick()
    live = read_routing_table(second.project.deployment_path).champion
    kept = second.root / live.package
    assert files_of(kept) == files_of(life.root / live.package)
    life.server.stop()
    second.tick()
    assert answer(second, 1)["version"] == 1
    shutil.rmtree(second.project.packages_path)
    error = second.tick(code=3).error
    assert (error["code"], error["where"]) == ("tracking_fault", life.server.url)
    assert error["what"].startswith("the package of version 1 is not on this machine")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["server_with_files", "server_with_stores"])
def test_answers_never_wait_for_the_server_and_the_loop_catches_up(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    life = begin(request.getfixturevalue(kind), tmp_path)
    live_through_outages(life)
    move_to_another_machine(life, tmp_path)


KILLED = """
import os, sys
from pathlib import Path
from mlflow.tracking import MlflowClient
from mlops_lab.loop.tick import Loop
from mlops_lab.project import load_project

root, name = sys.argv[1:]
work = getattr(MlflowClient, name)

def work_and_die(*arguments, **named):
    work(*arguments, **named)
    os._exit(9)

setattr(MlflowClient, name, work_and_die)
loop = Loop(load_project(Path(root)))
loop.run(loop.now(), by="test")
"""


@pytest.mark.parametrize("name", ["create_run", "log_model_artifacts", "create_model_version", "log_batch"])
def test_a_training_killed_at_the_server_makes_one_version(
    server_with_files: MlflowServer, tmp_path: Path, name: str
) -> None:
    root = tmp_path / "parcels"
    write_project(root, WORLD)
    with (root / "mlops.toml").open("a") as file:
        file.write(f'\n[tracking]\nuri = "{server_with_files.url}"\n')
    killed = subprocess.run([sys.executable, "-c", KILLED, str(root), name], capture_output=True, check=False)
    assert killed.returncode == 9, killed.stderr.decode()
    life = Life(server_with_files, load_project(root))
    assert life.decided == ["retrain"]
    life.tick()
    assert [number for number, _ in life.versions()] == [1]
    assert life.decided == ["retrain", "bootstrap"]
    assert life.alias() == 1
