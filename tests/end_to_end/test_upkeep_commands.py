"""`mlops gc`, `mlops hold` and `mlops forget`, typed in a project that has lived for some days."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from running import mlops

from mlops_lab.cli.errors import guarded
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.project import Project, load_project
from mlops_lab.tables.open_lake import open_lake


@pytest.fixture
def project(lived: Path, tmp_path: Path) -> Project:
    return load_project(Path(shutil.copytree(lived / "promoted", tmp_path / "project")))


def most_frequent(project: Project) -> str:
    rows = open_lake(project).read("predictions", columns=["customer"]).drop_nulls()
    customer: str = rows.group_by("customer").len().sort("len", "customer")["customer"][-1]
    return customer


def delete_from_data(project: Project, customer: str) -> None:
    path = project.root / "data" / "parcels.parquet"
    pl.read_parquet(path).filter(pl.col("customer").ne_missing(customer)).write_parquet(path)


def test_what_is_needed_is_named_and_a_hold_ends_when_it_is_released(project: Project) -> None:
    root = project.root
    hold = mlops("hold", "create", "traffic", "--reason", "case 4711", project=root).data
    listed = mlops("hold", "list", project=root).data["holds"]
    assert [(item["id"], item["reason"]) for item in listed] == [(hold["id"], "case 4711")]
    for words in (("gc",), ("gc", "--yes")):
        found = mlops(*words, project=root).data
        assert found["done"] is (words[-1] == "--yes")
        needed = {(item["table"], item["version"]): item["by"] for item in found["needed"]}
        assert f"hold {hold['id']}" in needed["traffic", hold["version"]]
        assert any("version 1" in by for by in needed.values())
        assert found["unknown"] == []
    assert mlops("replay", "--sample", "50", project=root).data["equal"] == 50
    assert mlops("hold", "release", hold["id"], "--reason", "closed", project=root).data["released"]
    assert mlops("hold", "list", project=root).data["holds"] == []
    error = mlops("hold", "release", hold["id"], "--reason", "closed", project=root, code=2).error
    assert error["code"] == "unknown_hold"


@pytest.mark.slow
def test_a_person_is_erased_and_the_versions_that_learned_say_so_when_they_are_reproduced(project: Project) -> None:
    root, customer = project.root, most_frequent(project)
    found = mlops("forget", "--key", customer, project=root).data
    assert (found["done"], found["erasure"]) == (False, None)
    assert found["rows"]["predictions"] > 0 < found["in_data"]["parcels"]
    assert found["versions"] == [1, 2]
    assert mlops("forget", "--key", customer, "--yes", project=root, code=1).error["code"] == "in_data"
    delete_from_data(project, customer)
    done = mlops("forget", "--key", customer, "--yes", project=root).data
    assert (done["rows"], done["versions"], done["erasure"]["state"]) == (found["rows"], [1, 2], "erased")
    (listed,) = mlops("forget", "--list", project=root).data["erasures"]
    assert listed == done["erasure"]
    lake = open_lake(project)
    for table in ("parcels", "predictions", "outcomes"):
        assert customer not in lake.read(table)["customer"].to_list()
    assert check_log(lake).problems == []
    replayed = mlops("replay", "--sample", "50", "--seed", "1", project=root, code=1)  # windows had facts of the person
    error = mlops("replay", replayed.data["differing"][0], project=root, code=1)
    assert "rows were erased since" in error.err
    made = mlops("reproduce", 2, project=root).data
    assert made["same"] is False
    assert {item["table"] for item in made["erased"]} >= {"parcels"}
    assert made["differences"][0]["kind"] == "data"
    mlops("run", project=root, code=None)  # the data and the tables agree


@pytest.mark.slow
def test_people_are_told_in_words(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, app = most_frequent(project), importlib.import_module("mlops_lab.cli.main").app

    def told(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["mlops", *words, "--project", str(project.root)])
        assert guarded(app) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    assert "nothing was changed" in told("gc")
    assert "there are no holds" in told("hold", "list")
    assert "nothing was erased yet" in told("forget", "--list")
    assert "in the way: the project's data still has" in told("forget", "--key", customer)
    delete_from_data(project, customer)
    assert "not reached: backups" in told("forget", "--key", customer, "--yes")
    assert "nothing is stored of this key" in told("forget", "--key", customer)
    assert "erased" in told("forget", "--list")
    assert mlops("forget", project=project.root, code=2).error["code"] == "no_key"
