"""The loop is a reconciler: a tick twice is a tick once, and one that is killed anywhere goes on where it was."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from own_stores import own_registry
from project_mlflow import mlflow_of
from running import make_once, run_jobs
from synthetic import day_begin
from ticking import Job

from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.serving.answering.routing_table import read_routing_table

KillPoints = Sequence[tuple[str, int]]
STEPS = ["retrain", "bootstrap", "retrain", "shadow", "canary", "promote"]


def decided(folder: Path) -> list[tuple[Any, ...]]:
    """The decisions, without what may depend on kills: the id of a run, and the path of a candidate in MLflow."""
    decisions = read_decisions(Lake(folder / ".mlops/lake"))
    return [
        (item.at, str(item.what), item.version, item.rule, item.reason, item.by, item.evidence.get("fingerprint"))
        for item in decisions
    ]


def contents(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table but the decisions, in an order of their own."""
    lake = Lake(folder / ".mlops/lake")
    tables = {name: lake.read(name) for name in lake.tables() if name != "decisions"}
    if "log_digests" in tables:
        sums = tables["log_digests"].group_by("table", "hour", "column").agg(pl.col("values", "digest").sum())
        tables["log_digests"] = sums  # a kill may cut the journal into other ranges
    return {name: rows.sort(rows.columns).rows() for name, rows in tables.items()}


def versions(folder: Path) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The registered versions with their fingerprint, and where the aliases point, as MLflow says it."""
    client, name = mlflow_of(load_project(folder))
    found = client.search_model_versions(f"name='{name}'")
    aliases = client.get_registered_model(name).aliases
    return (
        sorted((int(version.version), version.tags["fingerprint"]) for version in found),
        sorted((alias, int(number)) for alias, number in aliases.items()),
    )


def assert_same(folder: Path, unbroken: Path) -> None:
    assert decided(folder) == decided(unbroken)
    assert contents(folder) == contents(unbroken)
    assert check_log(Lake(folder / ".mlops/lake")).problems == []
    assert versions(folder) == versions(unbroken)
    table, wanted = (read_routing_table(root / ".mlops/deployment.json") for root in (folder, unbroken))
    assert (table.generation, table.champion.version, table.challenger) == (
        wanted.generation,
        wanted.champion.version,
        wanted.challenger,
    )
    predictions = Lake(folder / ".mlops/lake").read("predictions")
    assert predictions["id"].is_unique().all()


def test_the_loop_wins_back_what_the_new_depot_cost(lived: Path) -> None:
    """The unbroken run that the crash tests compare with has a retraining, a rollout and a promotion."""
    decisions = read_decisions(Lake(lived / "promoted/.mlops/lake"))
    assert [str(decision.what) for decision in decisions] == STEPS
    assert [decision.version for decision in decisions] == [None, 1, None, 2, 2, 2]
    assert decisions[2].rule == "triggers.max_calibration_gap"
    assert [decision.at for decision in decisions[2:]] == [day_begin(30), day_begin(30), day_begin(31), day_begin(32)]
    roles = Lake(lived / "promoted/.mlops/lake").read("predictions")["role"]
    assert set(roles) == {"champion", "canary"}
    assert versions(lived / "promoted")[1] == [("candidate", 2), ("champion", 2)]


@pytest.mark.parametrize("name", ["due", "promoted"])
def test_the_same_tick_again_changes_nothing(lived: Path, copy_project: Callable[..., Project], name: str) -> None:
    project = copy_project(lived / name)
    now = day_begin(29 if name == "due" else 33)
    before = (decided(project.root), contents(project.root), versions(project.root))
    deployment = project.deployment_path.read_bytes()
    lake = Lake(project.lake_path)
    numbers = {table: lake.version(table) for table in lake.tables()}
    for loop in (Loop(project), Loop(project)):
        assert loop.tick(now) == []
        assert loop.tick(now) == []
    assert (decided(project.root), contents(project.root), versions(project.root)) == before
    assert {table: lake.version(table) for table in lake.tables()} == numbers, "not even an empty commit"
    assert project.deployment_path.read_bytes() == deployment


def test_a_tick_in_the_past_changes_nothing(lived: Path, copy_project: Callable[..., Project]) -> None:
    project = copy_project(lived / "promoted")
    before = (decided(project.root), contents(project.root))
    assert Loop(project).tick(day_begin(31)) == []
    assert (decided(project.root), contents(project.root)) == before


def test_days_are_measured_once_however_many_ticks_there_are(lived: Path, copy_project: Callable[..., Project]) -> None:
    project = copy_project(lived / "promoted")
    loop = Loop(project)
    measured = loop.lake.read("measurements").height
    for hours in (1, 2, 23.9):
        assert loop.tick(day_begin(33) + timedelta(hours=hours)) == []
    assert loop.lake.read("measurements").height == measured
    loop.tick(day_begin(34) + timedelta(minutes=1))
    assert loop.lake.read("measurements")["at"].max() == day_begin(34)
    again = loop.lake.version("measurements")
    loop.tick(day_begin(34) + timedelta(minutes=2))
    assert loop.lake.version("measurements") == again


def test_a_tick_knows_what_others_have_decided_meanwhile(lived: Path, copy_project: Callable[..., Project]) -> None:
    project = copy_project(lived / "promoted")
    loop, other = Loop(project), Loop(project)
    other.roll_back(day_begin(33), by="a person", reason="tried")
    assert loop.state.champion == 2
    assert loop.tick(day_begin(33) + timedelta(minutes=1)) == []
    assert loop.state.champion == 1
    assert read_routing_table(project.deployment_path).champion.version == 1


def test_a_lost_routing_table_is_derived_anew(lived: Path, copy_project: Callable[..., Project]) -> None:
    project = copy_project(lived / "promoted")
    wanted = read_routing_table(project.deployment_path)
    shutil.rmtree(project.state_path)
    project.deployment_path.unlink()
    Loop(project).tick(day_begin(33))
    table = read_routing_table(project.deployment_path)
    assert (table.generation, table.champion, table.challenger) == (
        wanted.generation,
        wanted.champion,
        wanted.challenger,
    )
    assert (project.root / table.state).is_dir()


# In the tick at the end of day 29 the appends are: outcomes, traffic, predictions; then the decision to retrain, the
# measurements of the day, and the decision about the candidate.
IN_THE_TICK = [
    ("after Lake.append", 1),
    ("before Lake.append", 4),
    ("after Lake.append", 4),
    ("before ModelRegistry._write_package", 1),
    ("after ModelRegistry._write_package", 1),
    ("after MlflowClient.create_model_version", 1),
    ("before Lake.append", 5),
    ("after Lake.append", 5),
    ("before mlops_lab.rollout.deploy.write_routing_table", 2),
    ("after mlops_lab.rollout.deploy.write_routing_table", 2),
    ("before Lake.append", 6),
    ("after Lake.append", 6),
]
QUICK = [5]


@pytest.fixture(scope="module")
def quick_jobs(shared: Path, lived: Path) -> Path:
    """The folder of all quick jobs, run in one process: its imports take longer than the jobs."""

    def make(folder: Path) -> None:
        shutil.copytree(lived / "due", folder / "first folder")
        jobs = [job_with(lived, folder / f"at {index}", [IN_THE_TICK[index]]) for index in QUICK]
        jobs += [Job(source=str(folder / "first folder"), target=str(folder / "second folder"), first=29, last=30)]
        for job, result in zip(jobs, run_jobs(jobs), strict=True):
            Path(job.target, "kills").write_text(str(result.killed))

    return make_once(shared / "quick jobs", make)


@pytest.mark.parametrize("index", QUICK)
def test_a_retraining_killed_half_way_goes_on(quick_jobs: Path, lived: Path, index: int) -> None:
    assert (quick_jobs / f"at {index}/kills").read_text() == "1"
    assert_same(quick_jobs / f"at {index}", lived / "promoted")


@own_registry
def test_a_project_that_was_moved_goes_on(quick_jobs: Path, lived: Path) -> None:
    """MLflow keeps full paths; a candidate trained after a move must not land in the old folder."""
    project = load_project(quick_jobs / "second folder")
    decisions = read_decisions(Lake(project.lake_path))
    assert decisions[-1].what is DecisionKind.SHADOW
    assert (project.root / decisions[-1].evidence["package"] / "model.txt").is_file()
    for root in (quick_jobs / "first folder", lived / "due"):
        assert len(list((root / ".mlops/mlflow/artifacts").iterdir())) == 1
    with closing(sqlite3.connect(project.mlflow_path / "mlflow.db")) as database:
        paths = database.execute("SELECT source FROM model_versions UNION SELECT artifact_uri FROM runs").fetchall()
    assert all(path.startswith(str(project.root)) for (path,) in paths)


def kill_and_compare(lived: Path, folder: Path, kill_points: dict[str, KillPoints]) -> int:
    """Run from day 29 to day 33 with kills, one job a name; all is as in the unbroken run. The number of kills."""
    jobs = [job_with(lived, folder / name, points) for name, points in kill_points.items()]
    results = run_jobs(jobs)
    for job in jobs:
        assert_same(Path(job.target), lived / "promoted")
    return sum(result.killed for result in results)


def job_with(lived: Path, target: Path, kill_points: KillPoints) -> Job:
    return Job(source=str(lived / "due"), target=str(target), first=29, last=33, kill_points=list(kill_points))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_retraining_killed_anywhere_goes_on(lived: Path, tmp_path: Path) -> None:
    kill_points = {f"killed {index}": [point, point] for index, point in enumerate(IN_THE_TICK)}
    assert kill_and_compare(lived, tmp_path, kill_points) >= len(IN_THE_TICK)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_days_killed_again_and_again_go_on(lived: Path, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    kill_points = {
        str(run): [("any", draw.randrange(1, draw.choice([20, 200, 900]))) for _ in range(15)] for run in range(2)
    }
    assert kill_and_compare(lived, tmp_path, kill_points) >= 10
