"""A candidate that was trained elsewhere: the project's data, and a model that MLflow has logged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mlops_lab.errors import InvalidInput
from mlops_lab.ids import hash_bytes
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.trust import trust_of_project
from mlops_lab.training.candidate import Candidate, prepare_candidate
from mlops_lab.training.foreign.fitted import ForeignModel
from mlops_lab.training.foreign.mlmodel import ForeignFile
from mlops_lab.training.pipeline import load_pipeline
from mlops_lab.training.window import ALL


@dataclass(frozen=True)
class ForeignSource:
    """A foreign model: its file, where it came from, and the moment from which on it has seen no row."""

    file: ForeignFile
    address: str
    trained_until: datetime


def prepare_foreign(project: Project, lake: Lake, source: ForeignSource, *, now: datetime) -> Candidate:
    """The candidate that gates judge on the rows that are held out, of which the model has seen none.

    InvalidInput where it may have seen some.
    """
    pipeline, file = load_pipeline(project), source.file
    model = ForeignModel(file, trust_of_project(project))
    fingerprint = hash_bytes([pipeline.fingerprint.encode(), file.fingerprint.encode()])
    pipeline = replace(pipeline, model=lambda: model, fingerprint=fingerprint)
    candidate = prepare_candidate(project, lake, now=now, pipeline=pipeline)
    if source.trained_until > candidate.data.cutoff:
        raise InvalidInput(
            f"the model may have seen rows until {source.trained_until.isoformat()}, and the rows that are held out "
            f"to judge it begin at {candidate.data.cutoff.isoformat()}",
            code="saw_held_out_rows",
            where="--trained-until",
            hint="say until when its training rows go: --trained-until 2013-03-01T05:00:00Z; or hold out fewer days: "
            "[backtest] days",
        )
    imported = {
        "from": source.address,
        "flavor": file.flavor,
        "sha256": file.fingerprint,
        "trained_until": source.trained_until.isoformat(),
    }
    return replace(candidate, learned=candidate.data, window=ALL, imported=imported)
