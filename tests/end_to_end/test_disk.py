"""A disk that is full or read-only: one clear error with a hint, and what was there is as it was."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running import Ran, Talk, mlops, run_jobs, serving, until
from synthetic import World, ask, day_begin, live, tell, write_project
from ticking import Job

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import read_decisions


def _mounts() -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None or shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, timeout=20, check=False
    )
    return done.returncode == 0


pytestmark = pytest.mark.skipif(not _mounts(), reason="mounting a small disk needs root")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of that size, mounted on the folder."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True, timeout=20)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=20)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder, mounted on itself without the right to write."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True, timeout=20)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True, timeout=20)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=20)


def fill(disk: Path, *, leave: int) -> Path:
    """Take all but `leave` bytes of the disk; the file that holds them."""
    file = disk / "ballast"
    free = shutil.disk_usage(disk).free - leave
    with file.open("wb") as ballast:
        for _ in range(max(free, 0) // 4096):
            ballast.write(b"x" * 4096)
    return file


def everything(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(world: World) -> list[dict[str, Any]]:
    return world.parcels.filter(world.parcels["asked_at"] >= day_begin(24)).to_dicts()


# ---- read-only -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_project_that_may_not_be_written(
    copy_project: Callable[..., Project], lived: Path, world: World, tmp_path: Path
) -> None:
    project = copy_project(lived / "promoted")
    prediction = Lake(project.lake_path).read("predictions")["id"][0]
    outcomes = tmp_path / "outcomes.jsonl"
    outcomes.write_text(json.dumps(tell(rows_of(world)[700])) + "\n")
    before = everything(project.root)
    with read_only(project.root):
        for words in (
            ["run"],
            ["tick", "--at", day_begin(34).isoformat()],
            ["rollback", "--at", day_begin(34).isoformat()],
            ["serve", "--port", "0"],
            ["outcomes", outcomes],
        ):
            error = mlops(*words, project=project.root, code=3).error
            assert "read-only" in error["what"].lower(), error
        assert len(mlops("history", project=project.root).data["decisions"]) == 6, "what is only read can be read"
        for words in (["status"], ["explain", prediction]):  # they take in the journal first
            assert "read-only" in mlops(*words, project=project.root, code=3).error["what"].lower()
    assert everything(project.root) == before


def test_a_new_project_that_may_not_be_written(tmp_path: Path, world: World) -> None:
    folder = tmp_path / "parcels"
    write_project(folder, world)
    with read_only(folder):
        error = mlops("run", project=folder, code=3).error
        assert "read-only" in error["what"].lower()
    assert not (folder / ".mlops").exists()


def test_a_demo_where_nothing_may_be_written(tmp_path: Path) -> None:
    with read_only(tmp_path):
        error = mlops("demo", "--dir", tmp_path / "demo", code=3).error
        assert "read-only" in error["what"].lower()


# ---- full ------------------------------------------------------------------------------------------------------------


def repeat_until_it_fits(disk: Path, words: list[str], project: Path, leaves: list[int]) -> tuple[Ran, int]:
    """Run a command with more and more space on the disk; each refusal says that it is full. The first success, and
    the number of refusals."""
    for refused, leave in enumerate(leaves):
        ballast = fill(disk, leave=leave)
        ran = mlops(*words, project=project, code=None)
        ballast.unlink()
        if ran.code == 0:
            return ran, refused
        assert ran.code == 3, ran
        assert re.search("disk is full|No space left", ran.error["what"]), ran.error
    return mlops(*words, project=project), len(leaves)


@pytest.mark.slow
def test_a_first_run_on_a_full_disk_can_be_repeated(tmp_path: Path, world: World) -> None:
    """Whatever the place at which the disk is full, the run says so; with space, it goes on."""
    with small_disk(tmp_path / "disk", "12m") as disk:
        write_project(disk / "parcels", world)
        leaves = [0, 150_000]  # there is no room for the first table; for MLflow's database
        ran, refused = repeat_until_it_fits(disk, ["run"], disk / "parcels", leaves)
        assert refused == 2
        assert ran.data["what"] == "bootstrap"
        decisions = read_decisions(Lake(disk / "parcels/.mlops/lake"))
        assert [str(decision.what) for decision in decisions] == ["retrain", "bootstrap"]
        assert Lake(disk / "parcels/.mlops/lake").read("parcels")["parcel_id"].is_unique().all()


def test_a_server_on_a_full_disk_refuses_and_goes_on(template: Path, tmp_path: Path, world: World) -> None:
    """Nothing is acknowledged that is not written down; with space, the same requests are answered."""
    rows = rows_of(world)
    with small_disk(tmp_path / "disk", "12m") as disk:
        shutil.copytree(template, disk / "parcels")
        project = load_project(disk / "parcels")
        answered: dict[str, dict[str, Any]] = {}
        with serving(project) as server:
            talk = server.talk()
            ballast = fill(disk, leave=20_000)
            refused: list[dict[str, Any]] = []
            for row in rows[:400]:
                status, answer = talk.post("/v1/predict", ask(row))
                if status == 200:
                    answered[answer["id"]] = answer
                    continue
                assert status == 503
                assert answer["error"]["code"] == "disk_full"
                assert all(answer["error"].values())
                refused.append(row)
                if len(refused) == 5:
                    break
            assert answered
            assert refused
            status, answer = talk.post("/v1/outcomes", {"outcomes": [tell(row) for row in rows[: len(answered)]]})
            assert (status, answer["error"]["code"]) == (503, "disk_full")
            assert talk.predict(ask(rows[0])) == answered[rows[0]["parcel_id"]], "an old answer needs no space"
            pending = talk.status["pending"]
            assert pending == len(answered)

            error = mlops("tick", "--at", day_begin(25).isoformat(), project=project.root, code=3).error
            assert "full" in error["what"], error
            ballast.unlink()

            for row in refused:
                answer = talk.predict(ask(row))
                answered[answer["id"]] = answer
            told = talk.tell([tell(row) for row in rows[: pending + len(refused)]])
            assert told["counts"]["accepted"] == pending + len(refused)
            server.kill()
        with serving(project) as server:
            assert Talk(project, server.process.address.host, server.process.address.port).status["pending"] == 0
        lake = Lake(project.lake_path)
        ingest_journal(project, lake)
        logged = lake.read("predictions")
        assert dict(logged.select("id", "output").iter_rows()) == {
            name: answer["output"] for name, answer in answered.items()
        }
        assert lake.read("outcomes").height == len(answered)


def test_a_full_disk_makes_a_server_unready_and_its_metrics_stay_exact(
    template: Path, tmp_path: Path, world: World
) -> None:
    """Two workers: what each of them counts while nothing can be written is what any of them reports."""
    rows = rows_of(world)
    with small_disk(tmp_path / "disk", "16m") as disk:
        shutil.copytree(template, disk / "parcels")
        project = load_project(disk / "parcels", flags=["serving.workers=2"])
        with serving(project) as server:
            talks = [server.talk() for _ in range(8)]
            paths = ("/readyz", "/v2/health/ready", "/v2/models/parcels/ready")
            assert {talk.send("GET", path)[0] for talk in talks for path in paths} == {200}
            ballast = fill(disk, leave=20_000)
            statuses: Counter[int] = Counter()
            for number, row in enumerate(rows[:400]):
                statuses[talks[number % 8].post("/v1/predict", ask(row))[0]] += 1
            assert statuses.keys() == {200, 503}
            time.sleep(1.1)  # an answer about the disk may be so old
            for talk in talks:
                for path in paths:
                    status, answer = talk.send("GET", path)
                    assert status == 503
                    assert "full" in json.dumps(answer)
                assert talk.send("GET", "/healthz")[0] == 200
            for talk in talks:
                found = re.findall(
                    r'mlops_requests_total{route="/v1/predict",status="(\d+)",worker="\d"} (\d+)', talk.text("/metrics")
                )
                counted: Counter[int] = Counter()
                for status, number in found:
                    counted[int(status)] += int(number)
                assert counted == statuses
                assert re.findall(r"mlops_pending_outcomes\S* (\d+)", talk.text("/metrics")) == [str(statuses[200])]
                assert talk.status["pending"] == statuses[200]
            ballast.unlink()
            until(lambda: {talk.send("GET", path)[0] for talk in talks for path in paths} == {200}, seconds=10)
            assert not list(project.journal_path.glob("**/probe"))


def test_a_folder_that_becomes_read_only_makes_a_server_unready(copy_project: Callable[..., Project]) -> None:
    project = copy_project()
    with serving(project) as server:
        talk = server.talk()
        assert talk.send("GET", "/readyz")[0] == 200
        with read_only(project.journal_path):
            time.sleep(1.1)
            status, answer = talk.send("GET", "/readyz")
            assert (status, answer["error"]["code"]) == (503, "disk_fault")
        time.sleep(1.1)
        assert talk.send("GET", "/readyz")[0] == 200


@pytest.mark.slow
def test_a_retraining_on_a_full_disk_can_be_repeated(lived: Path, tmp_path: Path, world: World) -> None:
    with small_disk(tmp_path / "disk", "12m") as disk:
        project = load_project(Path(shutil.copytree(lived / "due", disk / "parcels")))
        with serving(project) as server:
            talk = server.talk()
            for moment in live(world, day_begin(29), day_begin(30)):
                talk.tell(moment.outcomes)
                talk.add("traffic", moment.traffic)
                for request in moment.requests:
                    talk.predict(request)
        words = ["tick", "--at", day_begin(30).isoformat()]
        leaves = [0, *range(8_000, 120_000, 8_000)]
        ran, refused = repeat_until_it_fits(disk, words, project.root, leaves)
        assert refused > 3
        shutil.copytree(project.root, tmp_path / "parcels")
    assert ran.data["decisions"][-1]["what"] == "shadow"
    run_jobs([Job(source=str(tmp_path / "parcels"), target=str(tmp_path / "on"), first=30, last=33)])
    decided = [(item.at, item.what, item.version) for item in read_decisions(Lake(tmp_path / "on/.mlops/lake"))]
    wanted = read_decisions(Lake(lived / "promoted/.mlops/lake"))
    assert decided == [(item.at, item.what, item.version) for item in wanted]
