"""A candidate before it is registered: what it learns from, and what its package will say of it. Light: no MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_lab.contracts.fields import types_of
from mlops_lab.ids import hash_json
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import Plan
from mlops_lab.tables.fields import request_fields, table_fields
from mlops_lab.tasks.regression import Regression
from mlops_lab.training.environment import environment_fingerprint
from mlops_lab.training.fit import Fitted
from mlops_lab.training.pipeline import Pipeline, load_pipeline
from mlops_lab.training.training_set import TrainingSet, build_training_set


@dataclass(frozen=True)
class Candidate:
    """What a training would learn from, before any work is spent on it; `identity` tells candidates apart."""

    pipeline: Pipeline
    data: TrainingSet
    identity: str


def prepare_candidate(project: Project, lake: Lake, *, now: datetime, pipeline: Pipeline | None = None) -> Candidate:
    """The candidate that the lake, the code (or another `pipeline`) and the environment of this moment would give."""
    pipeline = pipeline or load_pipeline(project)
    data = build_training_set(project, pipeline.features, lake=lake, until=now)
    identity = hash_json([data.fingerprint, pipeline.features.version, pipeline.fingerprint, environment_fingerprint()])
    return Candidate(pipeline, data, identity)


def make_plan(project: Project, candidate: Candidate, fitted: Fitted) -> Plan:
    """How requests become answers of the fitted candidate; all but the engine, which packaging chooses."""
    task = candidate.data.task
    return Plan(
        task=task.kind,
        classes=list(project.classes),
        outputs=fitted.outputs,
        scale=task.scale if isinstance(task, Regression) else 1.0,
        request=types_of(request_fields(project)),
        time=project.settings.source.time,
        tables={name: types_of(fields) for name, fields in table_fields(project).items()},
        features=candidate.pipeline.features.as_dict(),
        categories=fitted.categories,
    )
