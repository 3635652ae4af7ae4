"""A candidate before it is registered: its training set, and the plan of its package. Light: no MLflow."""

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
    """Code and data of a training that has not begun; `identity` depends on both and on the environment.

    Gates judge by `data`, of which some rows are held out. The version learns from `learned`: the same; or all rows,
    where candidates prove themselves in the rollout. Gates then judge its twin, which has not seen the held-out rows.
    """

    pipeline: Pipeline
    data: TrainingSet
    learned: TrainingSet
    identity: str

    @property
    def has_twin(self) -> bool:
        """Whether gates judge another model than the one that is registered."""
        return self.learned is not self.data


def prepare_candidate(project: Project, lake: Lake, *, now: datetime, pipeline: Pipeline | None = None) -> Candidate:
    """The candidate of the current lake, code (or another `pipeline`) and environment."""
    pipeline = pipeline or load_pipeline(project)
    data = build_training_set(project, pipeline.features, lake=lake, until=now)
    is_fresh = project.settings.rollout.proves_itself
    learned = data.with_all_rows(time=project.settings.source.time) if is_fresh else data
    hashed = [learned.fingerprint, pipeline.features.version, pipeline.fingerprint, environment_fingerprint()]
    return Candidate(pipeline, data, learned, hash_json(hashed))


def make_plan(project: Project, candidate: Candidate, fitted: Fitted) -> Plan:
    """The plan of the fitted candidate, without the engine, which packaging chooses."""
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
