"""Counts: everything is counted once, under its labels; the file of a worker is read by the others."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.serving.answering.counts import (
    BUCKETS_SECONDS,
    SLOT_BYTES,
    WorkerCounts,
    counts_path,
    keep_counts,
    read_counts,
)

AT = datetime(2026, 11, 1, tzinfo=UTC)
missing = st.dictionaries(st.sampled_from(["stock", "shop"]), st.sampled_from(["unknown", "stale"]))
predictions = st.builds(
    lambda version, role, missing: PredictionRecord("a", AT, version, role, 0.5, {}, (), missing),
    st.integers(1, 3),
    st.sampled_from(["champion", "canary"]),
    missing,
)
refusals = st.builds(lambda view: RefusalRecord("a", AT, 1, view, "unknown", {}), st.sampled_from(["", "stock"]))
records = st.lists(predictions | refusals, max_size=12)


@given(records, st.integers(0, 5))
def test_every_record_is_counted_once(batch, shed):
    counts = WorkerCounts()
    counts.note_answers(batch, shed=shed)
    expected: Counter[tuple[str, str, str]] = Counter()
    for record in batch:
        if isinstance(record, PredictionRecord):
            expected["answered", str(record.version), record.role] += 1
            expected.update(("missing", view, reason) for view, reason in record.missing.items())
        else:
            expected["refused", record.view, record.reason] += 1
    if shed:
        expected["shadows", "", "shed"] += shed
    assert counts.counted == expected


@given(records, records)
def test_counts_of_batches_add_up(first, second):
    apart, together = WorkerCounts(), WorkerCounts()
    apart.note_answers(first, shed=1)
    apart.note_answers(second, shed=2)
    together.note_answers([*first, *second], shed=3)
    assert apart == together


def test_shadows_are_counted_by_version_and_result():
    counts = WorkerCounts()
    counts.note_shadows(2, 5, failed=False)
    counts.note_shadows(2, 3, failed=True)
    counts.note_shadows(2, 1, failed=False)
    assert counts.counted == {("shadows", "2", "scored"): 6, ("shadows", "2", "failed"): 3}


@given(st.lists(st.floats(0, 20), min_size=1, max_size=20))
def test_a_request_falls_into_the_first_bucket_that_is_long_enough(durations):
    counts = WorkerCounts()
    for seconds in durations:
        counts.note_request("/v1/predict", 200, seconds=seconds, reason=None)
    limits = [*BUCKETS_SECONDS, float("inf")]
    expected = Counter(next(index for index, limit in enumerate(limits) if seconds <= limit) for seconds in durations)
    assert counts.buckets["/v1/predict"] == [expected[index] for index in range(len(limits))]
    assert counts.seconds["/v1/predict"] == sum(durations)
    assert counts.counted == {("requests", "/v1/predict", "200"): len(durations)}


def test_a_rejected_request_is_counted_with_its_reason():
    counts = WorkerCounts()
    counts.note_request("/v1/predict", 400, seconds=0.1, reason="invalid_request")
    assert counts.counted == {
        ("requests", "/v1/predict", "400"): 1,
        ("rejected", "/v1/predict", "invalid_request"): 1,
    }


def test_the_file_of_a_worker_is_read_as_it_was_written(tmp_path: Path):
    counts = WorkerCounts(gauges={"pending": {(): 3.0}, "live": {("1", "champion"): 1.0}}, generation=4)
    counts.note_request("/v1/predict", 200, seconds=0.1, reason=None)
    path = counts_path(tmp_path, 1)
    assert read_counts(path) == WorkerCounts()
    keep_counts(path, counts)
    assert read_counts(path) == counts
    assert path != counts_path(tmp_path, 0)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(0, 200))
def test_a_write_that_was_interrupted_leaves_the_counts_before(
    tmp_path_factory: pytest.TempPathFactory, numbers, written
):
    """Whatever part of the newest copy reached the file."""
    path = counts_path(tmp_path_factory.mktemp("counts"), 0)
    for number in numbers:
        before = path.read_bytes() if path.exists() else b""
        keep_counts(path, WorkerCounts(generation=number))
        assert read_counts(path).generation == number
        assert path.stat().st_size == 2 * SLOT_BYTES
    after = path.read_bytes()
    changed = [place for place in range(2 * SLOT_BYTES) if before[place : place + 1] != after[place : place + 1]]
    start = changed[0] // SLOT_BYTES * SLOT_BYTES
    path.write_bytes(
        (before or b"\0" * len(after))[:start] + after[start : start + written] + before[start + written :]
    )
    expected = numbers[-2] if len(numbers) > 1 else 0
    assert read_counts(path).generation in {expected, numbers[-1]}
    keep_counts(path, WorkerCounts(generation=7))
    assert read_counts(path).generation == 7


def test_counts_that_cannot_be_written_are_no_error(tmp_path: Path):
    keep_counts(tmp_path / "no such folder" / "counts", WorkerCounts())
    assert list(tmp_path.iterdir()) == []


def test_texts_that_a_version_never_saw_are_counted_by_input_and_never_by_value():
    counts = WorkerCounts()
    known = {1: {"city": frozenset(["Bonn", None])}}
    asked = ["Bonn", "Rome", None, "Oslo", "Rome"]
    records = [PredictionRecord(f"{n}", AT, 1, "champion", 0.5, {"city": city}, ()) for n, city in enumerate(asked)]
    counts.note_unseen([*records, PredictionRecord("x", AT, 2, "canary", 0.5, {"city": "Rome"}, ())], known)
    assert counts.counted == {("unseen", "city", ""): 3}
