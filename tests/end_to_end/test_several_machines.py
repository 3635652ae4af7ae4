"""Several machines, as processes with folders of their own, answer for one project whose tables lie in an object store.

Partitions are made by stopping processes, and by a store that refuses.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from mlops_up import Up, logged, talk_to, up
from running import mlops, until
from s3_server import S3Server
from synthetic import World, ask, day_begin, tell

from mlops_lab.project import Project, load_project
from mlops_lab.serving.answering.routing_table import read_routing_table

AWAY = "the store of the lake does not answer (503)"
pytestmark = pytest.mark.slow


@pytest.fixture
def machines(stored_uri: str, project: Project, tmp_path: Path) -> tuple[Project, Project]:
    """One project on two machines. The second has its files and its public keys, and nothing else."""
    with (project.root / "mlops.toml").open("a") as file:
        file.write(f'\n[lake]\nuri = "{stored_uri}"\n')
    mlops("tick", project=project.root)
    other = tmp_path / "other machine" / project.root.name
    shutil.copytree(project.root, other, ignore=shutil.ignore_patterns(".mlops"))
    (other / ".mlops").mkdir()
    shutil.copy(project.home / "keys.json", other / ".mlops")
    mlops("tick", project=other)
    return load_project(project.root), load_project(other)


@contextmanager
def both(machines: tuple[Project, Project]) -> Iterator[tuple[Up, Up]]:
    with up(machines[0].root, "--json") as one, up(machines[1].root, "--json") as other:
        for running in (one, other):
            running.wait_for(lambda running=running: running.told("ready"))
        yield one, other


def counted(project: Project) -> pl.DataFrame:
    """The outcomes that count, with the version that answered."""
    rows = logged(project, "outcomes")
    return rows.filter(pl.col("verdict") == "accepted").sort("id") if "verdict" in rows.columns else rows


def generation(project: Project) -> int:
    return read_routing_table(project.deployment_path).generation


def test_each_outcome_counts_once_whoever_answered_and_whoever_was_told(machines, world: World) -> None:
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(12).to_dicts()
    one, other = machines
    with both(machines) as (first, second):
        for row in rows[:6]:
            talk_to(one).predict(ask(row))
        for row in rows[6:]:
            talk_to(other).predict(ask(row))
        twice = talk_to(other).predict(ask(rows[0]))  # a client that had no answer in time asks the other one
        assert twice["id"] == rows[0]["parcel_id"]
        for row in rows:
            told = talk_to(other if row in rows[:6] else one).tell([tell(row)])
            assert told["counts"]["accepted"] + told["counts"]["unknown"] == 1
            if told["problems"]:
                assert told["problems"][0]["code"] == "made_elsewhere"
        ids = sorted(row["parcel_id"] for row in rows)
        for running, project in ((first, one), (second, other)):
            running.wait_for(lambda project=project: counted(project).height >= len(rows))
            running.wait_for(lambda project=project: sorted(logged(project, "predictions")["id"]) == ids)
        assert counted(one)["id"].to_list() == counted(other)["id"].to_list() == ids
        assert counted(one)["version"].null_count() == 0
        until(lambda: not any(talk_to(one).tell([tell(row)])["counts"]["accepted"] for row in rows))  # told once more
    mlops("tick", project=other.root)
    mlops("tick", project=one.root)
    assert counted(one)["id"].to_list() == ids
    (aside,) = logged(one, "quarantine").filter(pl.col("table") == "predictions").to_dicts()
    assert "another server answered this id before" in aside.values()
    assert mlops("history", "--verify", project=other.root).code == 0


def test_a_decision_on_one_machine_is_followed_by_the_other(machines) -> None:
    one, other = machines
    with both(machines) as (_, second):
        assert generation(one) == generation(other)
        pipeline = one.root / "pipeline.py"
        pipeline.write_text(pipeline.read_text().replace("n_estimators=", "n_estimators=3 + "))
        before = generation(one)
        mlops("run", project=one.root, code=None)
        assert generation(one) > before
        second.wait_for(lambda: generation(other) == generation(one))
        live = read_routing_table(other.deployment_path)
        assert read_routing_table(one.deployment_path).champion == live.champion
        assert (other.root / live.champion.package).is_dir()


def test_the_machine_that_decides_is_stopped_in_the_middle_and_the_other_takes_over(machines, world: World) -> None:
    row = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).row(0, named=True)
    one, other = machines
    with both(machines) as (first, second):
        os.kill(first.process.pid, signal.SIGSTOP)  # its server goes on
        try:
            talk_to(one).predict(ask(row))
            talk_to(other).predict({**ask(row), "id": "at the other"})
            second.wait_for(lambda: "at the other" in logged(other, "predictions")["id"])
        finally:
            os.kill(first.process.pid, signal.SIGCONT)
        second.wait_for(lambda: row["parcel_id"] in logged(other, "predictions")["id"] or mlops_refresh(other))
    assert sorted(logged(other, "predictions")["id"]) == sorted(["at the other", row["parcel_id"]])


def mlops_refresh(project: Project) -> bool:
    mlops("status", project=project.root)
    return False


def test_a_store_that_is_away_stops_no_answer_and_the_loop_catches_up(machines, s3: S3Server, world: World) -> None:
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(8).to_dicts()
    one, _ = machines
    with up(one.root, "--json") as running:
        running.wait_for(lambda: running.told("ready"))
        s3.fail("503")
        for row in rows:
            talk_to(one).predict(ask(row))
            assert talk_to(one).tell([tell(row)])["counts"]["accepted"] == 1
        running.wait_for(lambda: [error for error in running.told("error") if AWAY in error["what"]])
        status = mlops("status", project=one.root).data
        assert any("does not answer (503): this is what was known at" in text for text in status["warnings"])
        assert mlops("tick", project=one.root, code=None).code in {1, 3}
        s3.fail("")
        running.wait_for(lambda: counted(one).height == len(rows))
        ids = sorted(row["parcel_id"] for row in rows)
        running.wait_for(lambda: sorted(logged(one, "predictions")["id"]) == ids)
