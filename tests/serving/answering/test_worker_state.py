"""The worker state: what is in the journals is in it, however it came there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.epochs import LogPosition, read_epochs
from mlops_lab.journal.frames import frame_bytes
from mlops_lab.journal.records import (
    RECORDS_PER_FRAME,
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    Record,
    RefusalRecord,
    ShadowRecord,
    encode_frames,
)
from mlops_lab.journal.segments import write_segment
from mlops_lab.journal.workers import Progress, worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.project import Project
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX, WorkerState

AT = datetime(2013, 3, 1, tzinfo=UTC)
IDS = ["a", "b", "c"]


def prediction(name: str, *, shadow: int | None = None, hours: float = 0) -> PredictionRecord:
    at = AT + timedelta(hours=hours)
    return PredictionRecord(name, at, 1, "champion", 0.5, {"shop": name, "asked_at": at}, {"items": 1.0}, {}, shadow)


def outcome(name: str, *, verdict: str = "accepted") -> OutcomeRecord:
    known_at = AT + timedelta(hours=2)
    return OutcomeRecord(name, known_at, verdict, {"late": True, "minutes": 3.0}, prediction(name))


def fact(shop: str, items: float) -> FactRecord:
    return FactRecord("stock", {"shop": shop, "known_at": AT, "items": items})


class Worker:
    """A journal and the state that belongs to it."""

    def __init__(self, project: Project, *, number: int = 0, known: LogPosition | None = None) -> None:
        self.journal = Journal(worker_path(project.journal_path, number))
        table = RoutingTable(
            generation=1,
            champion=LiveVersion(1, "package", ""),
            state="state",
            state_positions=(known.position,) if known else (),
            state_epochs=(known.epoch,) if known else (),
        )
        self.state = WorkerState(project, Schemas(project), routing_table=table, views=[], own=self.journal.path)
        self.state.finish_restoring(self.journal.path)

    def record(self, *records: Record) -> None:
        self.state.record(self.journal, records)

    def close(self) -> None:
        self.state.close()
        self.journal.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def project(write_project: Any, tmp_path: Path) -> Project:
    return prepare(write_project(tmp_path), [])


def prepare(project: Project, records: list[Record], *, workers: int = 1) -> Project:
    """Write a state that holds these records, and empty journals."""
    (project.root / "state").mkdir()
    write_segment(project.root / "state" / PREDICTION_INDEX, encode_frames(records))
    for worker in range(workers):
        worker_path(project.journal_path, worker).mkdir(parents=True, exist_ok=True)
    return project


def describe(state: WorkerState) -> dict[str, Any]:
    """What a state says about everything that the tests write."""
    return {
        "predictions": {name: state.read_prediction(name) for name in IDS},
        "outcomes": {name: state.prediction_index.outcome(name) for name in IDS},
        "pending": state.prediction_index.pending,
        "newest": state.newest,
        "facts": {shop: state.facts.rows["stock"].get(fact(shop, 0.0).row) for shop in "ab"},
    }


steps = st.one_of(
    st.sampled_from(IDS).map(prediction),
    st.sampled_from(IDS).map(outcome),
    st.sampled_from(IDS).map(lambda name: ShadowRecord(name, AT, 2, 0.25)),
    st.builds(fact, st.sampled_from("ab"), st.floats(0, 3)),
    st.just(RefusalRecord("r", AT + timedelta(hours=1), 1, "stock", "unknown", {})),
)


def possible(drawn: list[Record]) -> Iterator[Record]:
    """Those that a server would write: each prediction once, and only then its shadow and its outcome, once."""
    written: set[tuple[type, str]] = set()
    for record in drawn:
        name = getattr(record, "id", None)
        if isinstance(record, (PredictionRecord, OutcomeRecord, ShadowRecord)):
            needed = isinstance(record, PredictionRecord) or (PredictionRecord, name) in written
            if (type(record), name) in written or not needed:
                continue
            written.add((type(record), name))
        yield record


@given(st.lists(steps, max_size=20).map(possible).map(list))
def test_a_restored_state_is_the_one_before(write_project, tmp_path_factory, records):
    project = prepare(write_project(tmp_path_factory.mktemp("project")), [])
    with Worker(project) as worker:
        for record in records:
            worker.record(record)
        before = describe(worker.state)
    with Worker(project) as restored:
        assert describe(restored.state) == before


@given(st.lists(steps, max_size=12).map(possible).map(list), st.data())
def test_a_follower_knows_what_the_writer_knows(write_project, tmp_path_factory, records, data):
    project = prepare(write_project(tmp_path_factory.mktemp("project")), [], workers=2)
    with Worker(project, number=0) as writer, Worker(project, number=1) as follower:
        assert follower.state.followed == [writer.journal.path]
        for record in records:
            writer.record(record)
            if data.draw(st.booleans()):
                follower.state.catch_up()
        follower.state.catch_up()
        assert describe(follower.state) == describe(writer.state)


def test_a_prediction_is_read_with_its_shadow_and_without_its_features(project):
    with Worker(project) as worker:
        worker.record(prediction("a", shadow=2), prediction("b"))
        worker.record(ShadowRecord("a", AT, 2, 0.25))
        a, b = (worker.state.read_prediction(name) for name in "ab")
        assert (a.shadow_version, a.shadow_output, a.features) == (2, 0.25, {})
        assert (b.id, b.request, b.shadow_output) == ("b", {"shop": "b", "asked_at": AT}, None)
        assert worker.state.read_prediction("c") is None


def test_the_newest_time_is_of_predictions_and_refusals(project):
    with Worker(project) as worker:
        assert worker.state.newest is None
        worker.record(prediction("a", hours=3), prediction("b", hours=1))
        assert worker.state.newest == AT + timedelta(hours=3)
        worker.record(RefusalRecord("r", AT + timedelta(hours=5), 1, "", "no_answer", {}))
        assert worker.state.newest == AT + timedelta(hours=5)
        worker.record(fact("a", 1.0))
        assert worker.state.newest == AT + timedelta(hours=5)


def test_only_accepted_outcomes_count(project):
    with Worker(project) as worker:
        worker.record(prediction("a"), prediction("b"))
        worker.record(outcome("a"), outcome("b", verdict="conflict"), outcome("c", verdict="unknown"))
        assert worker.state.prediction_index.outcome("a") == (AT + timedelta(hours=2), {"late": True, "minutes": 3.0})
        assert worker.state.prediction_index.outcome("b") is None
        assert worker.state.prediction_index.pending == 1


def test_an_outcome_that_is_read_before_its_prediction_is_matched_later(project):
    """The first worker's journal is read first, and the second worker wrote the prediction."""
    worker_path(project.journal_path, 1).mkdir()
    with Worker(project, number=0) as first, Worker(project, number=1) as second:
        second.record(prediction("a"))
        first.state.catch_up()
        first.record(outcome("a"))
    with Worker(project, number=0) as restored:
        assert restored.state.prediction_index.pending == 0
        assert restored.state.prediction_index.outcome("a") is not None


def test_a_state_is_read_before_the_journals(write_project, tmp_path):
    project = prepare(write_project(tmp_path), [prediction("a"), prediction("b"), outcome("a")])
    with Worker(project) as worker:
        assert describe(worker.state)["pending"] == 1
        assert worker.state.read_prediction("b").id == "b"
        worker.record(outcome("b"))
        assert worker.state.prediction_index.pending == 0


def test_a_journal_is_read_from_the_position_of_the_state(project):
    with Worker(project) as worker:
        worker.record(prediction("a"))
        known = LogPosition(read_epochs(worker.journal.path)[-1].id, worker.journal.position)
        worker.record(prediction("b"))
    with Worker(project, known=known) as restored:
        assert restored.state.read_prediction("a") is None
        assert restored.state.read_prediction("b") is not None


def test_shadows_that_were_not_scored_are_known_after_a_restart(project):
    with Worker(project) as worker:
        worker.record(prediction("a", shadow=2), prediction("b", shadow=2), prediction("c"))
        worker.record(ShadowRecord("a", AT, 2, 0.25))
    with Worker(project) as restored:
        assert restored.state.unscored_shadows == {"b": 2}


def test_only_the_first_worker_scores_the_shadows_that_a_state_lacks(write_project, tmp_path):
    project = prepare(write_project(tmp_path), [prediction("a", shadow=2)], workers=2)
    with Worker(project, number=0) as first, Worker(project, number=1) as second:
        assert first.state.unscored_shadows == {"a": 2}
        assert second.state.unscored_shadows == {}


def test_a_missing_state_says_what_to_run(write_project, tmp_path):
    project = write_project(tmp_path)
    with pytest.raises(EnvironmentFault) as caught:
        Worker(project)
    assert caught.value.code == "state_missing"
    assert "mlops tick" in caught.value.hint


def test_records_that_were_written_before_the_disk_was_full_are_known(project, monkeypatch):
    """An append that fails may have written whole frames: their records count, at once and after a restart."""
    records = [prediction(name) for name in ["b", *map(str, range(RECORDS_PER_FRAME))]]
    first, second = encode_frames(records)
    write = os.pwrite
    with Worker(project) as worker:
        worker.record(prediction("a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", lambda file, data, at: write(file, data[: frame_bytes(len(first)) + 3], at))
            with pytest.raises(EnvironmentFault) as caught:
                worker.record(*records)
        assert caught.value.code == "disk_full"
        assert len(second) > 3
        known = describe(worker.state)
        assert known["predictions"]["b"] == msgspec.structs.replace(records[0], features={})
        assert worker.state.read_prediction(records[-1].id) is None
    with Worker(project) as restored:
        assert describe(restored.state) == known


def test_a_frame_that_cannot_be_read_stops_no_worker(project):
    with Worker(project) as worker:
        worker.record(prediction("a"))
        worker.journal.append([b"not a record"])
        worker.record(prediction("b"))
    with Worker(project) as worker:
        assert [name for name in IDS if worker.state.prediction_index.find(name)] == ["a", "b"]
        record = worker.state.read_prediction("b")
        assert record is not None
        assert record.request["shop"] == "b"


def test_what_was_read_is_stored_once_the_loop_has_come_that_far(project):
    with Worker(project) as first, Worker(project, number=1) as second:
        first.record(prediction("a"))
        second.record(prediction("b"))
        first.state.catch_up()
        before = first.state.mark()
        first.record(prediction("c"))
        positions = [first.journal.position, second.journal.position]
        assert not first.state.is_stored(before)
        project.positions_path.write_bytes(msgspec.json.encode(Progress(tuple(positions))))
        assert first.state.is_stored(before)
        assert first.state.is_stored(first.state.mark())
        first.record(prediction("d"))
        assert not first.state.is_stored(first.state.mark())
