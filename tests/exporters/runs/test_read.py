"""The runs that trackers are told of: what MLflow's client knows of them, and what was measured since."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from mlflow.tracking import MlflowClient

from mlops_lab.exporters.runs.read import list_runs
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.tables.declared import MEASUREMENTS

DAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in (26, 27, 28)]


def test_a_project_without_runs(new_project: Project) -> None:
    assert list_runs(new_project).runs == []


def test_a_training_with_its_version_and_curves(live_project: Project) -> None:
    registry = ModelRegistry(live_project.mlflow_path, name=live_project.name)
    registry.open_run("killed", identity={"study": "killed"}, tags={}, moment=DAYS[0])
    rows = {
        "at": [DAYS[1], DAYS[0], DAYS[0], DAYS[2], DAYS[2]],
        "window_hours": [24.0] * 5,
        "monitor": ["quality"] * 4 + ["volume"],
        "name": ["log_loss"] * 5,
        "version": [1] * 5,
        "value": [0.5, 0.7, 0.4, float("nan"), 1.0],
        "role": [None, "champion", "canary", "champion", "champion"],
        "as_of": [None] * 5,
    }
    MEASUREMENTS.append(
        Lake(live_project.lake_path), pl.DataFrame(rows, schema=MEASUREMENTS.schema(live_project)), position=("test", 1)
    )
    (run,) = list_runs(live_project).runs
    client = MlflowClient(f"sqlite:///{live_project.mlflow_path / 'mlflow.db'}")
    wanted = client.get_run(run.id)
    assert (run.kind, run.version, run.study, run.failed) == ("training", 1, None, False)
    assert run.seconds == (wanted.info.end_time - wanted.info.start_time) / 1000 > 0
    assert run.source == {"file": "pipeline.py", "commit": "unversioned"}
    assert run.parameters == wanted.data.params
    assert run.metrics == {name: value for name, value in wanted.data.metrics.items() if "holdout/" not in name}
    assert [(table.table, table.version) for table in run.datasets] == [("depots", 0), ("parcels", 0), ("traffic", 0)]
    points = client.get_metric_history(run.id, "holdout/loss")
    assert [value for _, value in run.curves["holdout/loss"]] == [point.value for point in points]
    assert len(points) == 4, "a point for each of the days that were held out"
    assert run.curves["champion/log_loss"] == [(DAYS[0].isoformat(), 0.7), (DAYS[1].isoformat(), 0.5)]
    assert run.curves["canary/log_loss"] == [(DAYS[0].isoformat(), 0.4)]
