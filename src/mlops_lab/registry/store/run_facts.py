"""What MLflow's own pages show of a run beside its figures: where its code and its data came from, and its curves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mlflow.entities import DatasetInput, InputTag, Metric, RunTag
from mlflow.entities.dataset import Dataset
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_GIT_COMMIT,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
)

from mlops_lab.clock import to_micros
from mlops_lab.lake import Snapshot
from mlops_lab.project import PIPELINE_NAME
from mlops_lab.registry.store.records import CURVES, IMPORTED_FROM, Curve

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""The pages for models that are trained; without it, MLflow guesses, and may show runs as evaluations of agents."""
_LONGEST_DIGEST = 36


def source_tags(tags: Mapping[str, str]) -> list[RunTag]:
    """Where the model of a run came from, by its own tags: pipeline.py, and its commit where it is in git; or the
    address that it was imported from."""
    source = {MLFLOW_SOURCE_NAME: tags.get(IMPORTED_FROM, PIPELINE_NAME), MLFLOW_SOURCE_TYPE: "LOCAL"}
    if IMPORTED_FROM not in tags and (commit := tags.get("commit", "unversioned")) != "unversioned":
        source[MLFLOW_GIT_COMMIT] = commit.removesuffix("+changes")
    return [RunTag(name, value) for name, value in source.items()]


def dataset_inputs(snapshots: Sequence[Snapshot]) -> list[DatasetInput]:
    """The tables of a run, each at its version. Paths are relative to the project, which may be moved."""
    return [
        DatasetInput(
            Dataset(
                name=snapshot.table,
                digest=snapshot.fingerprint[:_LONGEST_DIGEST],
                source_type="delta_table",
                source=json.dumps({"path": f".mlops/lake/{snapshot.table}", "delta_table_version": snapshot.version}),
                profile=json.dumps({"num_rows": snapshot.rows}),
            ),
            [InputTag(MLFLOW_DATASET_CONTEXT, "training")],
        )
        for snapshot in snapshots
    ]


def curve_metrics(curves: Mapping[str, Curve]) -> list[Metric]:
    """The points of some curves: each with its moment, and its number as the step."""
    return [
        Metric(f"{CURVES}{name}", value, to_micros(moment) // 1000, step)
        for name, curve in curves.items()
        for step, (moment, value) in enumerate(curve)
    ]
