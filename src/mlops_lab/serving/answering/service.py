"""One worker without HTTP: it answers requests, accepts outcomes and facts, and follows the routing table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.ids import new_id, new_ids
from mlops_lab.inference.feature_reader import FeatureReader
from mlops_lab.inference.predictor import Predictor
from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.journal.workers import Damage, read_progress, worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.project import Project
from mlops_lab.serving.answering.acceptance import Acceptance, Acceptor
from mlops_lab.serving.answering.answerer import AnswerBatch, Answerer
from mlops_lab.serving.answering.answers import (
    Answers,
    answered_long_ago,
    has_error,
    order_classes,
    reused_id,
    to_answers,
)
from mlops_lab.serving.answering.counts import WorkerCounts
from mlops_lab.serving.answering.locks import Locks
from mlops_lab.serving.answering.requests import fill_times, find_new
from mlops_lab.serving.answering.routing import LiveModels
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.shadows import Scored, ShadowQueue, ShadowTask, shadow_records, unscored_requests
from mlops_lab.serving.answering.time_limit import TimeLimit
from mlops_lab.serving.answering.trials import note_trial
from mlops_lab.serving.answering.worker_state import WorkerState, read_contents
from mlops_lab.tables.day_warnings import read_day_warnings
from mlops_lab.tables.rollout_verdict import CurrentVerdict, read_current_verdict

RESERVE_BYTES = 4 * 1024 * 1024


class Prepared(NamedTuple):
    """All that another routing table needs, loaded and ready for `switch_to`."""

    models: LiveModels
    worker_state: WorkerState | None
    """None: the present one stays."""


class Answered(NamedTuple):
    """The answers to some requests, in order, and whether another worker wrote one of them."""

    answers: Answers
    is_repeat: bool


class Service:
    """One worker's models and state, and what it does with them. Only `prepare` may run outside of the event loop."""

    def __init__(self, project: Project, routing_table: RoutingTable, *, worker: int = 0, workers: int = 1) -> None:
        self.project = project
        self.schemas = Schemas(project)
        self._worker = worker
        self.counts = WorkerCounts()
        self.journal: Journal
        path = worker_path(project.journal_path, worker)
        for other in range(workers):
            worker_path(project.journal_path, other).mkdir(parents=True, exist_ok=True)
        self._acceptor = Acceptor(project, self.schemas)
        self._shadows = ShadowQueue()
        self._time_limit = TimeLimit(uses_wall_clock=project.settings.project.clock == "wall")
        self.deployment_error: str | None = None
        """Why the newest routing table could not be taken over; None if it was."""
        self.models = self._load(routing_table)
        self.journal = Journal(path, reserve_bytes=RESERVE_BYTES)
        self._locks = Locks(project.journal_path, workers=workers)
        self._time, self._key = project.settings.source.time, project.settings.source.key
        try:
            # only once the journal is locked: nothing can be written to it that the restored state would miss
            self._answer_with(self.models, self._finish_restoring(self._restore_state(self.models)))
            self._shadows.add(unscored_requests(self.worker_state))
        except BaseException:
            self._locks.close()
            self.journal.close()
            raise

    # ---- answering -----------------------------------------------------------------------------------------------

    def answer(self, requests: Sequence[msgspec.Struct], *, whole: bool = False) -> Answered:
        """The answers to some decoded requests, written to the journal before they are returned.

        A request whose id was answered before gets the same answer again; with another content, a Conflict. One that a
        view of the champion refuses gets no prediction, and its refusal is written. With `whole`, if one request gets
        no prediction, nothing but refusals is written: then the caller must return no predictions at all.
        """
        rows = list(map(msgspec.structs.asdict, requests))
        names = [row.pop("id") for row in rows]
        given = set(names) - {None, ""}
        others = self.worker_state.followed
        with self._locks.answering(given if others else ()):
            if others:
                self.worker_state.catch_up()
            if not given:
                batch = self._answerer.answer(new_ids(len(rows)), fill_times(rows, self._time))
                answers = to_answers(batch.records)
                self._write(batch, only_refusals=whole and has_error(answers))
                return Answered(self._order_classes(answers), False)
            names = [name or new_id() for name in names]
            new = find_new(names, rows, index=self.worker_state.prediction_index)
            batch = self._answerer.answer(list(new), fill_times(list(new.values()), self._time))
            computed = dict(zip(new, to_answers(batch.records), strict=True))
            answers = [self._answer_to(name, row, computed.get(name)) for name, row in zip(names, rows, strict=True)]
            self._write(batch, only_refusals=whole and has_error(answers))
        return Answered(self._order_classes(answers), bool(others) and len(computed) < len(names))

    def predict(self, requests: Sequence[msgspec.Struct]) -> Answers:
        """As `answer`, with the shadows scored at once."""
        answers = self.answer(requests).answers
        self.score_shadows()
        return answers

    def _write(self, batch: AnswerBatch, *, only_refusals: bool) -> None:
        """Write records to the journal, count them, and queue the requests for the shadows."""
        records, moments, shadow_requests, failures = batch
        if only_refusals:
            records = [record for record in records if isinstance(record, RefusalRecord)]
            moments, shadow_requests = [], {}
        if records:
            self.worker_state.record(self.journal, records, moments=moments, names=self._answerer.log_columns)
            self.counts.note_answers(records, shed=self._shadows.add(shadow_requests) if shadow_requests else 0)
            self.counts.note_failures(failures)
            self.counts.note_unseen(records, self.models.known_texts)

    def _answer_to(
        self, name: str, row: dict[str, Any], computed: PredictionRecord | InvalidInput | None
    ) -> PredictionRecord | InvalidInput:
        """The answer to a request: the one just computed for its id, or else the earlier one; a Conflict where that
        answered another request, or is too old to be at hand."""
        if isinstance(computed, InvalidInput):
            return computed
        record = self.worker_state.read_prediction(name) if computed is None else computed
        if record is None:
            return answered_long_ago(name, self.project.settings.source.outcome_within_days)
        # a request without a time that is sent again stands for the same moment
        earlier = {field.name: record.request.get(field.name, field.default) for field in self.schemas.fields}
        return record if earlier == {**row, self._time: row[self._time] or earlier[self._time]} else reused_id(name)

    def _order_classes(self, answers: Answers) -> Answers:
        """The answers with the probabilities of the classes that are declared now: those of versions that know other
        classes are ordered, and 0 for a class that a version does not know."""
        return (
            order_classes(answers, self._known_classes, wanted=self.project.classes) if self._known_classes else answers
        )

    # ---- shadows -------------------------------------------------------------------------------------------------

    @property
    def has_shadows(self) -> bool:
        """Whether requests wait for their shadow."""
        return bool(self._shadows)

    def awaits_shadow(self, ids: Iterable[str]) -> bool:
        """Whether the shadow of one of these predictions is still to come."""
        return self._shadows.holds(ids)

    def next_shadows(self) -> ShadowTask | None:
        """The next requests that a version in shadow is to score; None where none wait."""
        predictors = {predictor.version: predictor for predictor in self.models.predictors}
        return self._shadows.take(predictors, self._readers)

    def note_shadows(self, task: ShadowTask, scored: Scored) -> None:
        """Count a shadow's outputs, and write them to the journal."""
        self._shadows.end(task.taken)
        outputs, version = scored.outputs, task.predictor.version
        self.counts.note_shadows(version, len(task.requests), failed=outputs is None)
        if task.predictor is not self.models.champion:  # which is the shadow of a canary: it is not on trial
            note_trial(self.counts.trials, version, task.judge(scored))
        if outputs and (records := shadow_records(task, outputs)):
            self.worker_state.record(self.journal, records)

    def score_shadows(self) -> None:
        """Score all requests that wait for their shadow."""
        while (task := self.next_shadows()) is not None:
            self.note_shadows(task, task.run())

    # ---- outcomes and facts --------------------------------------------------------------------------------------

    def accept_outcomes(self, outcomes: Sequence[msgspec.Struct]) -> dict[str, Any]:
        """Judge outcomes, write them to the journal, and let views see the accepted ones.

        The response counts each verdict and lists the outcomes that were not accepted, with their index. InvalidInput,
        and nothing changes, where one was known before its prediction.
        """
        with self._locks.exclusive():
            self.worker_state.catch_up()
            return self._write_acceptance(self._acceptor.judge_outcomes(self.worker_state, outcomes))

    def accept_facts(self, table: str, rows: Sequence[msgspec.Struct]) -> dict[str, Any]:
        """Add rows of a table. A row that is sent again is ignored, one that breaks the contract is set aside.

        Conflict, and nothing changes, where a row has the key and the moment of another but different values.
        """
        with self._locks.exclusive():
            self.worker_state.catch_up()
            return self._write_acceptance(self._acceptor.check_facts(self.worker_state, table, rows))

    def _write_acceptance(self, acceptance: Acceptance) -> dict[str, Any]:
        if acceptance.records:
            self.worker_state.record(self.journal, acceptance.records)
        return acceptance.response

    def position_in_lake(self) -> int:
        """The position up to which the loop has moved this worker's journal into the lake."""
        positions = read_progress(self.project.positions_path).positions
        return positions[self._worker] if self._worker < len(positions) else 0

    def catch_up(self) -> None:
        """Apply what the other workers have written."""
        if self.worker_state.followed:
            with self._locks.answering():
                self.worker_state.catch_up()

    def damage(self) -> Damage:
        """The damage that the loop has found in the journals so far; of all workers, so only the first one tells it."""
        return read_progress(self.project.positions_path).damage if self._worker == 0 else Damage()

    def warnings(self) -> int:
        """In how many ways the last day that was measured differed much from training; of all workers, so only the
        first one tells it."""
        if self._worker:
            return 0
        return len(read_day_warnings(self.project.warnings_path, champion=self.models.champion.version))

    def verdict(self) -> CurrentVerdict:
        """The loop's verdict on the newest rollout, as it counts now."""
        project = self.project
        return read_current_verdict(
            project.verdict_path,
            now=clock.now(),
            generation=self.models.routing_table.generation,
            max_age=timedelta(hours=project.settings.rollout.verdict_hours),
        )

    @property
    def pending(self) -> int:
        """The number of recent predictions that wait for their outcome."""
        return self.worker_state.prediction_index.pending

    # ---- following the routing table -----------------------------------------------------------------------------

    def deploy(self, routing_table: RoutingTable) -> None:
        """Answer with another routing table from now on. On an error the present one stays."""
        self.switch_to(self.prepare(routing_table))

    def prepare(self, routing_table: RoutingTable) -> Prepared:
        """Load what another routing table needs, in any thread, while the present one answers.

        The same table again loads what could not be loaded the first time. EnvironmentFault where it is older than the
        present one.
        """
        present = self.models.routing_table
        if routing_table.generation < present.generation:
            raise EnvironmentFault(
                f"has generation {routing_table.generation}, and {present.generation} is in use: it is too old",
                code="old_deployment",
                where=str(self.project.deployment_path),
                hint="run `mlops tick`: it writes the table again. If the project was restored, restart the server",
            )
        models = self._load(routing_table, loaded=self.models.by_live)
        is_new_state = routing_table.state != present.state or not models.views.keys() <= self.worker_state.views
        return Prepared(models, self._restore_state(models) if is_new_state else None)

    def switch_to(self, prepared: Prepared) -> None:
        """Answer with what was prepared from now on. On an error the present one stays."""
        before, restored = self.worker_state, prepared.worker_state
        if restored is None:
            self._answer_with(prepared.models, before)
            return
        try:
            self._answer_with(prepared.models, self._finish_restoring(restored))
        except BaseException:
            restored.close()
            raise
        before.close()

    def _load(
        self, routing_table: RoutingTable, *, loaded: Mapping[LiveVersion, Predictor] | None = None
    ) -> LiveModels:
        root = self.project.root
        contents = read_contents(root / routing_table.state)
        return LiveModels(routing_table, root, loaded=loaded, views={*contents.views} if contents else None)

    def _answer_with(self, models: LiveModels, worker_state: WorkerState) -> None:
        """Answer with these from now on: all of them, or, on an error, none."""
        readers = {
            predictor.features.version: FeatureReader(
                predictor,
                worker_state.facts.store,
                request_names=self.schemas.names,
                known_since=worker_state.known_since,
            )
            for predictor in models.predictors
        }
        answerer = Answerer(models, readers, time=self._time, key=self._key, limit=self._limit_moments)
        known = {predictor.version: predictor.plan.classes for predictor in models.predictors}
        declared = list(self.project.classes)
        self._known_classes = {
            version: classes
            for version, classes in {**models.routing_table.classes, **known}.items()
            if declared and classes != declared
        }
        self.models, self.worker_state, self._readers, self._answerer = models, worker_state, readers, answerer

    def _limit_moments(self, moments: Sequence[int]) -> Sequence[int]:
        return self._time_limit.apply(moments, newest=self.worker_state.newest_known)

    def _restore_state(self, models: LiveModels) -> WorkerState:
        return WorkerState(
            self.project,
            self.schemas,
            routing_table=models.routing_table,
            views=list(models.views.values()),
            own=self.journal.path,
        )

    def _finish_restoring(self, worker_state: WorkerState) -> WorkerState:
        with self._locks.answering():  # without it, an outcome that arrives now could be read without its prediction
            worker_state.finish_restoring(self.journal.path)
        return worker_state

    def close(self) -> None:
        """Score the waiting shadows, bring everything to the disk, and unlock the journal."""
        try:
            self.score_shadows()
        finally:
            self.worker_state.close()
            self._locks.close()
            self.journal.close()
