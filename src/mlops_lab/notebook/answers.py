"""Rows that were answered and whose truth is known: how good the answers are, in all and by group."""

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
from mlops_lab.monitoring.measure import quality
from mlops_lab.notebook.groups import By, group_rows
from mlops_lab.notebook.shown import Grid
from mlops_lab.project import Project
from mlops_lab.tables.facts import read_facts, read_labelled
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tasks.base import Task

Measures: TypeAlias = Mapping[str, float | None]


@dataclass(frozen=True)
class Answers:
    """Rows with what the model saw of them, their truth as the task encodes it, the answers, and beside them the
    answer that is always the same: the mean (of classes: the rates) of what was learned from."""

    task: Task
    rows: pl.DataFrame
    truth: pl.Series
    output: pl.Series
    constant: pl.Series

    @property
    def unanswered(self) -> int:
        """On how many rows the model has no valid answer; they are not measured."""
        return int(self.task.invalid(self.output).sum())

    @property
    def quality(self) -> Measures:
        """How good the answers are, by the measures of the task; none where no row was answered."""
        return self._measure(self.output)

    @property
    def baseline(self) -> Measures:
        """The same of the answer that is always the same, on the same rows."""
        return self._measure(self.constant)

    def group(self, project: Project, by: By) -> pl.DataFrame:
        """One row a group: its value, `rows`, the measures, and the first of them of always answering the same."""
        groups = group_rows(project, self.rows, by)
        found = []
        for places in groups.places:
            part = self._take(places)
            constant = {f"{name}_always_same": value for name, value in [*part.baseline.items()][:1]}
            found.append({"rows": len(places), **part.quality, **constant})
        figures = pl.DataFrame(found, infer_schema_length=None)
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

    def _take(self, places: pl.Series) -> Answers:
        columns = {name: getattr(self, name).gather(places) for name in ("truth", "output", "constant")}
        return replace(self, rows=self.rows[places], **columns)


def answer(project: Project, lake: Lake, predictor: Predictor, rows: pl.DataFrame, *, learned: pl.Series) -> Answers:
    """The predictor's answers to some rows (request fields and label), each as of its own time.

    `learned` is the truth it has learned from. Rows that a server would refuse are left out; where requests have the
    moment of their arrival, and rows none, they arrive now. InvalidInput where a column is missing or breaks the
    contract.
    """
    source, task = project.settings.source, predictor.task
    label = next(field for field in outcome_fields(project) if field.name == source.label)
    fields = (*request_fields(project), label)
    if project.timed_by_arrival and source.time not in rows.columns:
        rows = rows.with_columns(pl.lit(clock.now()).alias(source.time))
    others = rows.select(name for name in rows.columns if name not in {field.name for field in fields})
    asked = conform(rows.drop(others.columns), fields, table="on").hstack(others)
    facts = read_facts(project, lake, read_labelled(project, lake))
    asked = asked.filter(~refused(predictor.features, asked, time=source.time, facts=facts))
    inputs = compute(predictor.features, asked, time=source.time, facts=facts)
    return Answers(
        task,
        beside(asked, inputs),
        task.encode(asked[source.label]),
        predictor.score(inputs),
        task.constant(learned, asked.height),
    )


def beside(rows: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """The rows and, beside their own columns, what the model sees of them."""
    return rows.hstack(inputs.select(name for name in inputs.columns if name not in rows.columns))


def without_marks(project: Project, labelled: pl.DataFrame) -> pl.DataFrame:
    """Labelled rows as people know them: with their id, without the columns that only the loop needs."""
    rows = labelled.rename({"_fact_id": project.settings.source.id})
    return rows.select(name for name in rows.columns if not name.startswith("_"))
