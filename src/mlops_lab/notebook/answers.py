"""Answers to rows whose truth is known: how good they are, overall and by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import polars as pl

from mlops_lab import clock
from mlops_lab.contracts.tables import conform
from mlops_lab.features.offline import compute, refused
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.monitoring.quality import quality
from mlops_lab.notebook.display import Grid
from mlops_lab.notebook.groups import By, group_rows
from mlops_lab.project import Project
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tasks.base import Task
from mlops_lab.training.outcome_delay import read_training_facts

Measures: TypeAlias = Mapping[str, float | None]


@dataclass(frozen=True)
class LabelledAnswers:
    """Rows with the model's inputs, their truth as the task encodes it, and the answers.

    `constant`: the baseline, the same answer for every row: the mean (for classes: their rates) of the training data.
    """

    task: Task
    rows: pl.DataFrame
    truth: pl.Series
    output: pl.Series
    constant: pl.Series

    @property
    def unanswered(self) -> int:
        """The number of rows without a valid answer; they are not measured."""
        return int(self.task.invalid(self.output).sum())

    @property
    def quality(self) -> Measures:
        """The quality of the answers, by the measures of the task; empty where no row was answered."""
        return self._measure(self.output)

    @property
    def baseline(self) -> Measures:
        """The quality of the constant answer on the same rows."""
        return self._measure(self.constant)

    def group(self, project: Project, by: By) -> pl.DataFrame:
        """One row for each group: its value, `rows`, the measures, and the first measure of the constant answer."""
        groups = group_rows(project, self.rows, by)
        measured = []
        for indexes in groups.indexes:
            part = self._take(indexes)
            constant = {f"{name}_always_same": value for name, value in [*part.baseline.items()][:1]}
            measured.append({"rows": len(indexes), **part.quality, **constant})
        figures = pl.DataFrame(measured, infer_schema_length=None)
        name = groups.name if groups.name not in figures.columns else f"{groups.name}_"
        return pl.DataFrame([groups.values.alias(name)]).hstack(figures)

    def grid(self) -> Grid:
        """The measures as a table for people."""
        measures, baseline = self.quality, self.baseline
        rows = [(name.replace("_", " "), value, baseline[name]) for name, value in measures.items()]
        return Grid(("", "model", "always the same"), rows)

    def _measure(self, output: pl.Series) -> Measures:
        valid = ~self.task.invalid(self.output)
        return quality(self.task, self.truth.filter(valid), output.filter(valid)) if valid.any() else {}

    def _take(self, indexes: pl.Series) -> LabelledAnswers:
        columns = {name: getattr(self, name).gather(indexes) for name in ("truth", "output", "constant")}
        return replace(self, rows=self.rows[indexes], **columns)


def answer_rows(
    project: Project, lake: Lake, predictor: Predictor, rows: pl.DataFrame, *, training_truth: pl.Series
) -> LabelledAnswers:
    """The predictor's answers to rows with request fields and label, each as of its own time.

    `training_truth`: the truth of the rows that the model was trained on. Rows that a server would refuse are left
    out. Where requests get the moment of their arrival, rows without a moment get the present one. InvalidInput where
    a column is missing or breaks the contract.
    """
    source, task = project.settings.source, predictor.task
    label = next(field for field in outcome_fields(project) if field.name == source.label)
    fields = (*request_fields(project), label)
    if project.timed_by_arrival and source.time not in rows.columns:
        rows = rows.with_columns(pl.lit(clock.now()).alias(source.time))
    other_columns = rows.select(name for name in rows.columns if name not in {field.name for field in fields})
    requests = conform(rows.drop(other_columns.columns), fields, table="on").hstack(other_columns)
    facts = read_training_facts(project, lake)
    requests = requests.filter(~refused(predictor.features, requests, time=source.time, facts=facts))
    inputs = compute(predictor.features, requests, time=source.time, facts=facts)
    return LabelledAnswers(
        task,
        join_inputs(requests, inputs),
        task.encode(requests[source.label]),
        predictor.score(inputs),
        task.constant(training_truth, requests.height),
    )


def join_inputs(rows: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """The rows with the model's inputs as further columns."""
    return rows.hstack(inputs.select(name for name in inputs.columns if name not in rows.columns))


def without_loop_columns(project: Project, labelled: pl.DataFrame) -> pl.DataFrame:
    """Labelled rows as users know them: with their id, without the columns that only the loop needs."""
    rows = labelled.rename({"_fact_id": project.settings.source.id})
    return rows.select(name for name in rows.columns if not name.startswith("_"))
