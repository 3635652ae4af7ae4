"""One worker without HTTP: it answers, takes in outcomes and facts, and follows the routing table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from mlops_lab import clock
from mlops_lab.errors import InvalidInput
from mlops_lab.ids import new_id, new_ids
from mlops_lab.inference.feature_reader import FeatureReader
from mlops_lab.inference.predictor import views_of
from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.journal.workers import read_positions, worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.project import Project
from mlops_lab.serving.answering.acceptance import Acceptance, Acceptor
from mlops_lab.serving.answering.answerer import AnswerBatch, Answerer, ShadowRequest, explain_refusal, other_request
from mlops_lab.serving.answering.counts import WorkerCounts
from mlops_lab.serving.answering.locks import Locks
from mlops_lab.serving.answering.routing import LiveModels
from mlops_lab.serving.answering.routing_table import RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.shadows import Shadows, ShadowTask, shadow_records
from mlops_lab.serving.answering.worker_state import WorkerState

RESERVE_BYTES = 4 * 1024 * 1024


class Prepared(NamedTuple):
    """All that answering by another routing table needs, ready to be taken over."""

    models: LiveModels
    memory: WorkerState | None
    """None: the present one goes on."""


class Answered(NamedTuple):
    """The answers to some requests, in order, and whether another worker wrote one of them down."""

    answers: list[PredictionRecord | InvalidInput]
    is_repeat: bool


class Service:
    """One worker's state and what it may do. Not thread-safe, but for `prepare`: the event loop calls it."""

    def __init__(self, project: Project, deployment: RoutingTable, *, worker: int = 0, workers: int = 1) -> None:
        self.project = project
        self.doors = Schemas(project)
        self._worker = worker
        self.counts = WorkerCounts()
        self.journal: Journal
        path = worker_path(project.journal_path, worker)
        for other in range(workers):
            worker_path(project.journal_path, other).mkdir(parents=True, exist_ok=True)
        self._learner = Acceptor(project, self.doors)
        self._shadows = Shadows()
        self.models = LiveModels(deployment, project.root)
        self.journal = Journal(path, reserve_bytes=RESERVE_BYTES)
        self._turns = Locks(project.journal_path, workers=workers)
        self._time, self._key = project.settings.source.time, project.settings.source.key
        self.memory = self._remember(self.models)  # after the journal is ours: nobody can write what this would miss
        self._catch_up(self.memory)
        self._answer_by(self.models)
        self._shadows.add(self._left_over())

    # ---- answering -------------------------------------------------------------------------------------------

    def answer(self, requests: Sequence[msgspec.Struct], *, whole: bool = False) -> Answered:
        """The answers to some decoded requests, written to the journal before they are returned.

        A request whose id was answered before gets the same answer again; with another content, a Conflict. One that
        the champion's views refuse gets no answer, and that is written down too. With `whole`, nothing else is written
        down where one gets no answer: the others are not to be given theirs.
        """
        rows = list(map(msgspec.structs.asdict, requests))
        names = [row.pop("id") for row in rows]
        given = set(names) - {None, ""}
        others = self.memory.others
        with self._turns.shared(given if others else ()):
            if others:
                self.memory.catch_up()
            if not given:
                found = self._answerer.answer(new_ids(len(rows)), self._date(rows))
                answers = _explain(found.records)
                self._write(found, only_refusals=whole and _has_error(answers))
                return Answered(answers, False)
            names = [name or new_id() for name in names]
            fresh: dict[str, dict[str, Any]] = {}
            for name, row in zip(names, rows, strict=True):
                if self.memory.book.find(name) is None:
                    fresh.setdefault(name, row)
            found = self._answerer.answer(list(fresh), self._date(list(fresh.values())))
            made = dict(zip(fresh, _explain(found.records), strict=True))
            answers = [self._same(name, row, made.get(name)) for name, row in zip(names, rows, strict=True)]
            self._write(found, only_refusals=whole and _has_error(answers))
        return Answered(answers, bool(others) and len(made) < len(names))

    def predict(self, requests: Sequence[msgspec.Struct]) -> list[PredictionRecord | InvalidInput]:
        """As `answer`, with the shadows scored at once."""
        answers = self.answer(requests).answers
        self.cast_shadows()
        return answers

    def _date(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same requests, those without a moment as of now."""
        if None not in [row[self._time] for row in rows]:
            return rows
        return [row if row[self._time] else {**row, self._time: clock.now()} for row in rows]

    def _write(self, found: AnswerBatch, *, only_refusals: bool) -> None:
        """Write answers to the journal, and have them scored by the shadows."""
        records, moments, glances = found
        if only_refusals:
            records, moments, glances = [one for one in records if isinstance(one, RefusalRecord)], [], {}
        if records:
            self.memory.record(self.journal, records, moments=moments, names=self._answerer.names)
            self.counts.note_answers(records, shed=self._shadows.add(glances) if glances else 0)

    def _same(
        self, name: str, row: dict[str, Any], made: PredictionRecord | InvalidInput | None
    ) -> PredictionRecord | InvalidInput:
        """The answer to a request that may have been answered before."""
        if isinstance(made, InvalidInput):
            return made
        if made is None:
            made = self.memory.recall(name)
            assert made is not None
        said = {**row, self._time: row[self._time] or made.request[self._time]}
        return made if made.request == said else other_request(name)

    # ---- shadows -------------------------------------------------------------------------------------------------

    @property
    def has_shadows(self) -> bool:
        """Whether requests wait for their shadow."""
        return bool(self._shadows)

    def next_shadows(self) -> ShadowTask | None:
        """The next requests that a version in shadow is to score; None where none wait."""
        predictors = {predictor.version: predictor for predictor in self.models.predictors}
        return self._shadows.take(predictors, self._readers)

    def note_shadows(self, task: ShadowTask, outputs: Sequence[Any] | None) -> None:
        """Write down what a shadow said; None: it failed."""
        self.counts.note_shadows(task, failed=outputs is None)
        if outputs and (records := shadow_records(task, outputs, time=self._time)):
            self.memory.record(self.journal, records)

    def cast_shadows(self) -> None:
        """Score all that wait for their shadow."""
        while (task := self.next_shadows()) is not None:
            self.note_shadows(task, task.score())

    # ---- learning what happened --------------------------------------------------------------------------------

    def accept_outcomes(self, outcomes: Sequence[msgspec.Struct]) -> dict[str, Any]:
        """Judge outcomes, write them down, and let views see the accepted ones.

        The result counts each verdict and lists what was not accepted, with its place. InvalidInput, and nothing
        changes, where one was known before its prediction.
        """
        with self._turns.alone():
            self.memory.catch_up()
            return self._take_in(self._learner.judge_outcomes(self.memory, outcomes))

    def accept_facts(self, table: str, rows: Sequence[msgspec.Struct]) -> dict[str, Any]:
        """Take in rows of a table. The same row again is ignored, one that breaks the contract is set aside; Conflict,
        and nothing changes, where a row has the key and the moment of another but says something else."""
        with self._turns.alone():
            self.memory.catch_up()
            return self._take_in(self._learner.sort_facts(self.memory, table, rows))

    def _take_in(self, judged: Acceptance) -> dict[str, Any]:
        if judged.records:
            self.memory.record(self.journal, judged.records)
        return judged.told

    def position_in_lake(self) -> int:
        """How far the loop has moved this worker's journal into the lake."""
        positions = read_positions(self.project.positions_path)
        return positions[self._worker] if self._worker < len(positions) else 0

    @property
    def pending(self) -> int:
        """The number of recent predictions that wait for their outcome."""
        return self.memory.book.pending

    # ---- following the routing table -----------------------------------------------------------------------------

    def deploy(self, deployment: RoutingTable) -> None:
        """Answer by another routing table from now on. On an error the present one stays."""
        self.take_over(self.prepare(deployment))

    def prepare(self, deployment: RoutingTable) -> Prepared:
        """Load what another routing table needs, in whatever thread, while the present one answers."""
        models = LiveModels(deployment, self.project.root, self.models.by_live)
        is_fresh = deployment.state != self.models.deployment.state
        return Prepared(models, self._remember(models) if is_fresh else None)

    def take_over(self, prepared: Prepared) -> None:
        """Answer by what was prepared from now on."""
        if prepared.memory is not None:
            self._catch_up(prepared.memory)
            self.memory.close()
            self.memory = prepared.memory
        self._answer_by(prepared.models)

    def _answer_by(self, models: LiveModels) -> None:
        self.models = models
        self._readers = {
            predictor.features.version: FeatureReader(predictor, self.memory.store)
            for predictor in self.models.predictors
        }
        self._answerer = Answerer(self.models, self._readers, time=self._time, key=self._key)

    def close(self) -> None:
        """Score what waits for its shadow, have everything on the disk, and let go of the journal."""
        try:
            self.cast_shadows()
        finally:
            self.memory.close()
            self._turns.close()
            self.journal.close()

    def _remember(self, models: LiveModels) -> WorkerState:
        views = list(views_of(models.predictors).values())
        return WorkerState(self.project, self.doors, deployment=models.deployment, views=views, own=self.journal.path)

    def _catch_up(self, memory: WorkerState) -> None:
        with self._turns.shared():  # an outcome that came in meanwhile could be met without its prediction
            memory.take_over(self.journal.path)

    def _left_over(self) -> dict[int, list[ShadowRequest]]:
        """The shadows that an earlier process did not come to: as of the same moment, they say the same."""
        glances: dict[int, list[ShadowRequest]] = {}
        for name, version in self.memory.unshadowed.items():
            if (made := self.memory.recall(name)) is not None:
                glances.setdefault(version, []).append(ShadowRequest(name, made.request, None))
        return glances


def _explain(records: Sequence[PredictionRecord | RefusalRecord]) -> list[PredictionRecord | InvalidInput]:
    made = [record for record in records if type(record) is PredictionRecord]
    if len(made) == len(records):  # as nearly always
        return [*made]
    return [explain_refusal(record) if isinstance(record, RefusalRecord) else record for record in records]


def _has_error(answers: Sequence[PredictionRecord | InvalidInput]) -> bool:
    return any(isinstance(answer, InvalidInput) for answer in answers)
