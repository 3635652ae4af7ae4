"""Batch scoring: any number of requests, answered by the champion as of each request's own time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import polars as pl

from mlops_lab.contracts.tables import check_columns, conform
from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features, columns_by_table
from mlops_lab.features.offline import FactIndex
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.read import read_requests
from mlops_lab.lake import Lake
from mlops_lab.lake.batches import Batch
from mlops_lab.project import Project
from mlops_lab.registry.engines.base import count_cores
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decisions import fold, read_decisions
from mlops_lab.rollout.versions import find_version
from mlops_lab.tables.facts import read_columns_of_facts
from mlops_lab.tables.fields import request_fields
from mlops_lab.tasks.base import to_series
from mlops_lab.tasks.make import make_task

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_MOST_THREADS = 8
"""Each works on a batch of its own: what is in memory grows with them."""
Watch = Callable[[int, int | None], None]
"""Is told how many rows are answered, of how many where that is known."""


@dataclass(frozen=True)
class Scored:
    """How many requests were asked, how many of them have no answer, and by which version."""

    rows: int
    unanswered: int
    version: int


def score(
    project: Project,
    file: Path,
    *,
    write: Callable[[pl.DataFrame], None],
    watch: Watch = lambda _rows, _of: None,
    with_requests: bool = False,
) -> Scored:
    """Answer the requests in `file` (or a folder, or a Delta table), in their order; `write` takes the answers.

    Memory holds the facts that views look up, and some batches of rows, however many there are. Nothing is logged:
    these answers were given to nobody. After an error some answers have been written.
    """
    champion = BatchScorer(project)
    rows = unanswered = 0
    with closing(read_requests(project, file)) as batches:
        answer = partial(champion.answer, with_requests=with_requests)
        for batch, (answers, without) in _in_order(answer, batches):
            write(answers)
            rows, unanswered = rows + answers.height, unanswered + without
            watch(rows, batch.total_rows)
    return Scored(rows, unanswered, champion.version)


class BatchScorer:
    """The live version, and all that it knows of the past, ready to answer batches of requests from several threads."""

    def __init__(self, project: Project) -> None:
        lake = Lake(project.lake_path)
        decisions = read_decisions(lake)
        champion = fold(decisions).champion
        if champion is None:
            raise InvalidInput("no version is live yet", code="nothing_live", hint="run `mlops run` first")
        ingest_journal(project, lake)
        live = find_version(decisions, champion)
        package = project.root / live.package
        plan = load_plan(package, fingerprint=live.fingerprint)
        self.version = live.version
        self._fields, self._time = request_fields(project), project.settings.source.time
        self._now = current_moment(project, lake) if project.timed_by_arrival else None
        self._features = Features.from_dict(plan.features)
        facts = read_columns_of_facts(project, lake, columns_by_table(self._features.views))
        with ThreadPoolExecutor(_threads()) as pool:
            self._fact_index = FactIndex(self._features.views, facts, mapper=pool.map)
        self._engine, self._arrangement = open_engine(package, plan), OutputMapping(plan)
        self._classes = project.classes
        self._task = make_task(plan.task, classes=tuple(plan.classes), scale=plan.scale)

    def answer(self, batch: Batch, *, with_requests: bool = False) -> tuple[pl.DataFrame, int]:
        """The ids with the answers and the version beside them; and how many have no answer.

        The fields of the requests stand between, where asked for, or where there are no ids.
        `output`, or of several classes `output_CLASS` each, is null where a server would refuse to answer: a view that
        refuses knows nothing, or the model says nothing. The features are those that a request at that moment would
        have met: computed from the same definition, from what was known strictly before it.
        """
        asked = self._read(batch)
        inputs, refused = self.inputs(asked)
        output = to_series(self._arrangement.of_rows(self._engine.score(inputs, threads=1)))
        without = refused | self._task.invalid(output)
        if without.any():
            output = pl.select(pl.when(~without).then(output)).to_series().alias("output")
        names = [name for name in batch.frame.columns if name not in asked.columns]
        version = pl.lit(self.version, pl.Int64).alias("version")
        answers = batch.frame.select(names)
        if with_requests or not names:
            answers = pl.concat([answers, asked], how="horizontal")
        return answers.with_columns(*self._columns(output), version), int(without.sum())

    def inputs(self, asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """The model's inputs of some requests, and which of them a view refuses to answer."""
        return self._fact_index.inputs(self._features, asked, time=self._time)

    def _read(self, batch: Batch) -> pl.DataFrame:
        """The request fields as they were declared."""
        frame, names = batch.frame, list(batch.names)
        if self._now is not None:
            frame = frame.with_columns(pl.lit(self._now).alias(self._time))
            names.append(self._time)
        if batch.may_omit_fields:
            omitted = [field for field in self._fields if field.nullable and field.name not in names]
            frame = frame.with_columns(pl.lit(None, field.dtype).alias(field.name) for field in omitted)
            names += [field.name for field in omitted]
        check_columns(names, self._fields, table=batch.name)
        columns = frame.select(field.name for field in self._fields)
        return conform(columns, self._fields, table=batch.name, first=batch.first_row)

    def _columns(self, output: pl.Series) -> list[pl.Series]:
        if not self._classes:
            return [output]
        return [output.list.get(place).alias(f"output_{name}") for place, name in enumerate(self._classes)]


def _in_order(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[tuple[_Item, _Result]]:
    """Each item with what came of it. A thread a core works ahead, by two items and no further."""
    threads = _threads()
    under_way: deque[tuple[_Item, Future[_Result]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                under_way.append((item, pool.submit(work, item)))
                if len(under_way) > 2 * threads:
                    first, result = under_way.popleft()
                    yield first, result.result()
            for first, result in under_way:
                yield first, result.result()
        finally:
            for _, result in under_way:
                result.cancel()


def _threads() -> int:
    return min(count_cores(), _MOST_THREADS)
