"""Continue the newest study of a project, or begin a new one; and the training set that it searches on."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.arrival import LOAD_LEAD
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet, build_training_set
from mlops_lab.tuning.study import Studies, Study

_ORIGIN_KEY = "made"
"""The attribute of a study that holds what it was begun with: the code, the moment, the training set."""


def resume_study(project: Project, pipeline: Pipeline, studies: Studies, *, fresh: bool) -> tuple[Study, TrainingSet]:
    """The newest study where code and data are still the same, else (or where `fresh`) a new one; and its rows.

    A study keeps the moment at which it began: outcomes that became known since then change nothing.
    """
    lake = open_lake(project)
    now = _bring_data(project, lake)
    lake = lake.pin()
    names = studies.names()
    if names and not fresh:
        study = studies.open(names[-1])
        origin = study.load(_ORIGIN_KEY)
        if origin is not None and origin["code"] == pipeline.fingerprint:
            until = datetime.fromisoformat(origin["until"])
            data = build_training_set(project, pipeline.features, lake=lake, until=until)
            if data.fingerprint == origin["training_set"]:
                study.drop_unfinished()
                return study, data
    data = build_training_set(project, pipeline.features, lake=lake, until=now)
    study = studies.create(f"{project.name}-tune-{len(names) + 1}")
    origin = {"code": pipeline.fingerprint, "until": now.isoformat(), "training_set": data.fingerprint}
    study.save(_ORIGIN_KEY, origin)
    return study, data


def _bring_data(project: Project, lake: Lake) -> datetime:
    """The current moment of the project; its data files are loaded where the lake is empty."""
    now = current_moment(project, lake)
    if not lake.exists(project.settings.source.table):
        load_sources(project, lake, now=now, received_at=now + LOAD_LEAD)
    ingest_journal(project, lake)
    return now
