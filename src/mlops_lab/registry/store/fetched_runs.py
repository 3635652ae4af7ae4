"""Runs as MLflow's client gives them, as plain records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from mlops_lab.lake import Snapshot
from mlops_lab.registry.store.records import CURVES, Curve, TrackedRun


def search_runs(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> list[Run]:
    """The runs of an experiment that have these tags, the newest first; none where there is no experiment yet."""
    if not experiment:
        return []
    wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found: list[Run] = []
    page = None
    while True:
        runs = client.search_runs(
            [experiment], wanted, max_results=1000, order_by=["attributes.start_time DESC"], page_token=page
        )
        found += runs
        page = runs.token
        if not page:
            return found


def to_tracked_run(run: Run) -> TrackedRun:
    """The run without its curves."""
    return TrackedRun(
        run_id=run.info.run_id,
        name=run.info.run_name,
        parameters=dict(run.data.params),
        metrics={name: value for name, value in run.data.metrics.items() if not name.startswith(CURVES)},
        tags={name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        is_finished=run.info.status in {"FINISHED", "FAILED"},
        began=_to_moment(run.info.start_time),
        ended=None if run.info.end_time is None else _to_moment(run.info.end_time),
    )


def fetch_curves(client: MlflowClient, run: Run) -> dict[str, Curve]:
    """The curves of a run, by name: a request for each."""
    curves: dict[str, Curve] = {}
    for name in sorted(run.data.metrics):
        if name.startswith(CURVES):
            points = sorted(client.get_metric_history(run.info.run_id, name), key=lambda point: point.step)
            curves[name.removeprefix(CURVES)] = [(_to_moment(point.timestamp), point.value) for point in points]
    return curves


def snapshots_of(run: Run) -> list[Snapshot]:
    """The tables that a run used, in the order of their names."""
    datasets = [item.dataset for item in run.inputs.dataset_inputs] if run.inputs else []
    return [
        Snapshot(
            dataset.name,
            json.loads(dataset.source)["delta_table_version"],
            json.loads(dataset.profile or "{}")["num_rows"],
            dataset.digest,
        )
        for dataset in sorted(datasets, key=lambda dataset: dataset.name)
        if dataset.source_type == "delta_table"
    ]


def _to_moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
