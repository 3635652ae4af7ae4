"""Batch scoring: any number of requests, answered by the champion as of each request's own time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from mlops_lab.contracts.tables import check_columns, judge_rows
from mlops_lab.features.definition import Features
from mlops_lab.features.view import columns_by_table
from mlops_lab.inference.table_scorer import TableScorer
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.read import read_requests
from mlops_lab.lake.batches import Batch
from mlops_lab.project import Project
from mlops_lab.registry.engines.base import count_cores
from mlops_lab.rollout.compatibility import check_schema
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion, open_package_of
from mlops_lab.scoring.parallel import map_in_order
from mlops_lab.tables.facts import read_columns_of_facts
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tasks.multiclass import order_classes

_MAX_THREADS = 8
"""Each thread works on a batch of its own: memory grows with their number."""
Watch = Callable[[int, int | None], None]
"""Called with the number of rows answered so far, and the number of all rows where it is known."""


@dataclass(frozen=True)
class ScoringResult:
    """The number of requests, how many of them have no answer, and the version that answered."""

    rows: int
    unanswered: int
    version: int


def score(
    project: Project,
    file: str | Path,
    *,
    write: Callable[[pl.DataFrame], None],
    watch: Watch = lambda _rows, _of: None,
    with_requests: bool = False,
) -> ScoringResult:
    """Answer the requests in `file` (or a folder, or a Delta table), in their order; `write` is given the answers.

    Memory holds the facts that views look up and a few batches of rows, however large the file is. Nothing is logged,
    for no client was given these answers. After an error some answers have been written.
    """
    scorer = BatchScorer(project)
    rows = unanswered = 0
    with closing(read_requests(project, file)) as batches:
        answer = partial(scorer.answer, with_requests=with_requests)
        for batch, (answers, without_answer) in map_in_order(answer, batches, threads=_threads()):
            write(answers)
            rows, unanswered = rows + answers.height, unanswered + without_answer
            watch(rows, batch.total_rows)
    return ScoringResult(rows, unanswered, scorer.version)


class BatchScorer:
    """The live version with the facts that it looks up; it answers batches of requests from several threads."""

    def __init__(self, project: Project) -> None:
        lake = open_lake(project)
        decisions = read_decisions(lake)
        live = find_champion(decisions)
        check_schema(project, lake, decisions)
        if project.journal_path.exists():  # where no server ever ran, nothing need be writable
            ingest_journal(project, lake)
        package = open_package_of(project, live)
        plan = package.plan
        self.version = live.version
        self._fields, self._time = request_fields(project), project.settings.source.time
        self._now = current_moment(project, lake) if project.timed_by_arrival else None
        facts = read_columns_of_facts(project, lake, columns_by_table(Features.from_dict(plan.features).views))
        with ThreadPoolExecutor(_threads()) as pool:
            self._scorer = TableScorer(package, facts, time=self._time, mapper=pool.map)
        self._classes, self._known_classes = project.classes, plan.classes

    def answer(self, batch: Batch, *, with_requests: bool = False) -> tuple[pl.DataFrame, int]:
        """The answers of a batch, and the number of requests without one.

        Columns: the ids; the fields of the requests, where `with_requests` or where there are no ids; `output`, or one
        `output_CLASS` for each class; `version`; `error`. The output is null, and `error` says why, where a server
        would refuse to answer: the request breaks the contract, a view that refuses knows nothing, or the model's
        output is no valid answer. The features are computed from what was known strictly before each request, by the
        definition that the server uses.
        """
        requests, error = self._read(batch)
        output, error = self._scorer.answer(requests, error)
        names = [name for name in batch.frame.columns if name not in requests.columns]
        version = pl.lit(self.version, pl.Int64).alias("version")
        answers = batch.frame.select(names)
        if with_requests or not names:
            answers = pl.concat([answers, requests], how="horizontal")
        return answers.with_columns(*self._output_columns(output), version, error), error.count()

    def _read(self, batch: Batch) -> tuple[pl.DataFrame, pl.Series]:
        """The request fields of a batch, with the types that are declared, and what is wrong with a request.

        InvalidInput where a column is missing, or no request at the beginning of a file keeps the contract.
        """
        frame, names = batch.frame, list(batch.names)
        if self._now is not None:
            frame = frame.with_columns(pl.lit(self._now).alias(self._time))
            names.append(self._time)
        if batch.may_omit_fields:
            omitted = [field for field in self._fields if field.nullable and field.name not in names]
            frame = frame.with_columns(pl.lit(None, field.dtype).alias(field.name) for field in omitted)
            names += [field.name for field in omitted]
        must_be_there = [replace(field, nullable=False) for field in self._fields]  # a misspelt name is no null
        check_columns(names, must_be_there, table=batch.name)
        columns = frame.select(field.name for field in self._fields if field.name in frame.columns)
        return judge_rows(columns, self._fields, table=batch.name, first=batch.first_row)

    def _output_columns(self, output: pl.Series) -> list[pl.Series]:
        if not self._classes:
            return [output]
        output = order_classes(output, classes=self._known_classes, wanted=self._classes)
        return [output.list.get(index).alias(f"output_{name}") for index, name in enumerate(self._classes)]


def _threads() -> int:
    return min(count_cores(), _MAX_THREADS)
