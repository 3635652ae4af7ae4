"""A candidate before it is registered: its training set, and the plan of its package. Light: no MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from mlops_lab.training.place import open_place
from mlops_lab.training.training_set import TrainingSet, build_training_set
from mlops_lab.training.window import ALL, AUTO, choose_window, days_of, keep_window


@dataclass(frozen=True)
class Candidate:
    """Code and data of a training that has not begun; `identity` depends on both and on the environment.

    `window` is the choice of rows (see `[training] window`); with "auto", `choose_rows` has still to make it, and
    `window_losses` are then the mean losses that it was chosen by.

    Gates judge by `data`, of which some rows are held out. The version learns from `learned`: the same; or all rows,
    where candidates prove themselves in the rollout. Gates then judge its twin, which has not seen the held-out rows.

    `imported`: of a model that was trained elsewhere, where it came from; it learned nothing from `learned`.

    `lake` has the tables as they were when the rows were read: gates read there, too. As long as the candidate is in
    use, nobody deletes what these versions need.
    """

    lake: Lake
    pipeline: Pipeline
    data: TrainingSet
    learned: TrainingSet
    identity: str
    window: str = "all"
    window_losses: Mapping[str, float] = field(default_factory=dict)
    imported: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_twin(self) -> bool:
        """Whether gates judge another model than the one that is registered."""
        return self.learned is not self.data


def prepare_candidate(project: Project, lake: Lake, *, now: datetime, pipeline: Pipeline | None = None) -> Candidate:
    """The candidate of the current lake, code (or another `pipeline`) and environment.

    With `window = "auto"` it has all rows until `choose_rows` has chosen: that takes trainings, and a candidate that
    was trained before need not choose.
    """
    lake, pipeline = lake.pin(), pipeline or load_pipeline(project)
    window = project.settings.training.window
    data = build_training_set(project, pipeline.features, lake=lake, until=now, window_days=days_of(window))
    is_fresh = project.settings.rollout.proves_itself
    learned = data.with_all_rows(time=project.settings.source.time) if is_fresh else data
    code = [pipeline.features.version, pipeline.fingerprint, environment_fingerprint()]
    if window == AUTO:
        return Candidate(lake, pipeline, data, learned, hash_json([learned.fingerprint, *code, AUTO]), AUTO)
    data, learned = _narrow(project, pipeline, data, learned, window)
    return Candidate(lake, pipeline, data, learned, hash_json([learned.fingerprint, *code]), window)


def choose_rows(project: Project, candidate: Candidate) -> Candidate:
    """The candidate with the rows that it learns from: with `window = "auto"`, those that an as-of backtest chooses."""
    if candidate.window != AUTO:
        return candidate
    with open_place(project.settings.training) as place:
        choice = choose_window(candidate.pipeline, candidate.data, zone=project.timezone, place=place)
    data, learned = _narrow(project, candidate.pipeline, candidate.data, candidate.learned, choice.window)
    return replace(candidate, data=data, learned=learned, window=choice.window, window_losses=choice.losses)


def _narrow(
    project: Project, pipeline: Pipeline, data: TrainingSet, learned: TrainingSet, window: str
) -> tuple[TrainingSet, TrainingSet]:
    """The rows of a window, of both sets: those of one, where both are the same."""
    if window == ALL:
        return data, learned
    narrow = keep_window(data, window, pipeline=pipeline, zone=project.timezone)
    if learned is data:
        return narrow, narrow
    return narrow, keep_window(learned, window, pipeline=pipeline, zone=project.timezone)


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
