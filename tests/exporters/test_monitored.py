"""The rows of the live version, for tools that watch models."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from mlops_lab.exporters.monitored import DAY, read_monitored, write_monitored
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion
from mlops_lab.tables.declared import PREDICTIONS


def test_the_days_have_what_the_version_saw(measured_project: Project) -> None:
    found = read_monitored(measured_project)
    lake = Lake(measured_project.lake_path)
    logged = PREDICTIONS.read(lake)
    inputs = load_plan(measured_project.root / find_champion(read_decisions(lake)).package).features["inputs"]
    assert [*found.reference.columns, DAY] == found.days.columns
    assert found.reference.columns == inputs
    assert list(found.ends) == ["2024-03-25", "2024-03-26"]
    assert sorted(found.days["distance"]) == sorted(logged["distance"])
    assert found.days[DAY].value_counts(sort=True)["count"].to_list() == [75, 75]
    assert found.texts == ["depot", "express", "evening"]
    assert set(found.days["evening"]) == {"true", "false"}
    assert found.line == "version 1: 1,500 training rows, 150 requests of 2 measured days"


def test_before_a_day_was_measured(live_project: Project, tmp_path: Path) -> None:
    found = write_monitored(live_project, tmp_path)
    assert (found.reference.height, found.days.height, found.ends) == (1500, 0, {})
    assert found.line == "version 1: 1,500 training rows, no measured day yet"
    about = json.loads((tmp_path / "columns.json").read_text())
    assert about["days"] == {}
    assert about["numerical"] + about["categorical"] != []
    assert pl.read_parquet(tmp_path / "days.parquet").schema == {**found.reference.schema, DAY: pl.String()}
