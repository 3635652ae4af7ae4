"""What the champion's code makes of the rows that a candidate learns from: both recipes are then judged on equal terms.

A champion that learned from all rows has seen those that are held out now, so its own answers to them show nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.lineage.reproduce.record import VersionRecord
from mlops_lab.loop.gate_input import held_out_inputs
from mlops_lab.project import LOCAL_LAKE, Project, load_project
from mlops_lab.tasks.multiclass import order_classes
from mlops_lab.training.candidate import Candidate, choose_rows, prepare_candidate
from mlops_lab.training.fit import to_answers
from mlops_lab.training.place import fit_at_place


def answer_by_recipe(project: Project, record: VersionRecord, candidate: Candidate, *, folder: Path) -> pl.Series:
    """The answers to the candidate's held-out rows of a model that the code of a version makes of the rows before them.

    Null on rows that this model has learned from. `folder` gets the code.
    """
    for name, content in record.code.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    earlier = load_project(folder, flags=[*record.lineage.settings, LOCAL_LAKE], environment={})
    settings = msgspec.structs.replace(earlier.settings, backtest=project.settings.backtest)  # the same rows held out
    earlier = replace(earlier, settings=settings)
    made = choose_rows(earlier, prepare_candidate(earlier, candidate.lake, now=candidate.data.until))
    fitted = fit_at_place(project.settings.training, made.pipeline, made.data)
    answers = to_answers(fitted, held_out_inputs(project, candidate, made.pipeline.features))
    if project.classes:
        answers = order_classes(answers, classes=list(earlier.classes), wanted=project.classes)
    is_learned = candidate.data.holdout[project.settings.source.time] < made.data.cutoff
    return pl.select(pl.when(~is_learned).then(answers)).to_series().alias("output")
