"""The quality of a trained result or a registered version: overall, by group, by day; next to a constant answer."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.notebook.answers import LabelledAnswers, Measures, answer_rows, without_loop_columns
from mlops_lab.notebook.display import MAX_ROWS, Displayed, Grid, Sheet, write_value
from mlops_lab.notebook.groups import By
from mlops_lab.notebook.result import Result
from mlops_lab.notebook.version import Version
from mlops_lab.project import Project
from mlops_lab.tables.facts import read_labelled
from mlops_lab.tables.open_lake import open_lake


@dataclass(frozen=True, repr=False)
class Evaluation(Displayed):
    """The quality of some answers. `answers` holds all rows, `groups` one row for each group, where grouped.

    `seen`: how many of the rows are from before the cutoff, so that the model may have been trained on them; None
    where the rows have no moment.
    """

    title: str
    where: str
    seen: int | None
    answers: LabelledAnswers
    groups: pl.DataFrame | None

    @property
    def quality(self) -> Measures:
        """The quality by the measures of the task."""
        return self.answers.quality

    @property
    def baseline(self) -> Measures:
        """The quality of the constant answer: the mean of the training data."""
        return self.answers.baseline

    def _sheet(self) -> Sheet:
        facts = [("rows", f"{self.answers.rows.height:,}, {self.where}")]
        if self.seen != 0:
            seen = "not known: they have no moment" if self.seen is None else f"{self.seen:,} of them"
            facts.append(("perhaps trained on", seen))
        if self.answers.unanswered:
            facts.append(("without an answer", f"{self.answers.unanswered:,}"))
        return Sheet(self.title, facts, [self.answers.grid() if self.groups is None else self._compare(self.groups)])

    def _compare(self, groups: pl.DataFrame) -> Grid:
        """The first groups, then all rows together; the value of a group is its name."""
        rows = [
            (f"{key:g}" if isinstance(key, float) else write_value(key), *rest) for key, *rest in groups.iter_rows()
        ]
        constant = next(iter(self.baseline.values()), None)
        rows = [*rows[:MAX_ROWS], ("all", self.answers.rows.height, *self.quality.values(), constant)]
        columns = [name.replace("_", " ") for name in groups.columns]
        return Grid(columns, [row[: len(columns)] for row in rows], bars=columns[2] if len(columns) > 2 else None)


def evaluate(answerer: Result | Version, *, by: By | None = None, on: pl.DataFrame | None = None) -> Evaluation:
    """How good the answers of a result of `train`, or of a `project.version()`, are.

    On the rows held out; for a version, on those with a known outcome from its cutoff on; or `on` rows of your own,
    with the request fields and the label. `by` a column (also one of the model's inputs), "day", or an expression.
    InvalidInput where there are no rows, they break the contract, or there is no such column.
    """
    if isinstance(answerer, Result):
        project, truth = answerer.project.files, answerer.candidate.data.truth
    else:
        project, truth = answerer.project, _training_truth(answerer)
    where = "held out" if isinstance(answerer, Result) else "from its cutoff on"
    if isinstance(answerer, Result) and on is None:
        answers = answerer.answers
    else:
        lake = open_lake(project)
        ingest_journal(project, lake)
        lake = lake.pin()
        if on is None:
            on = _labelled(project, lake).filter(pl.col(project.settings.source.time) >= answerer.cutoff)
        else:
            where = "given"
        answers = answer_rows(project, lake, answerer.predictor, on, training_truth=truth)
    if answers.rows.is_empty():
        raise InvalidInput(
            "there are no rows to evaluate on",
            code="no_rows",
            where="evaluate(on=...)",
            hint="give rows with a label",
        )
    time = project.settings.source.time
    known = on is None or time in on.columns
    seen = answers.rows.filter(pl.col(time) < answerer.cutoff).height if known else None
    groups = None if by is None else answers.group(project, by)
    return Evaluation(answerer.title, where, seen, answers, groups)


def _labelled(project: Project, lake: Lake) -> pl.DataFrame:
    return without_loop_columns(project, read_labelled(project, lake))


def _training_truth(version: Version) -> pl.Series:
    """The truth of the rows that a version was trained on."""
    project, source = version.project, version.project.settings.source
    rows = _labelled(project, open_lake(project)).filter(pl.col(source.time) < version.cutoff)
    return version.predictor.task.encode(rows[source.label])
