"""What is counted of versions on trial: the last requests, and the same in one piece or in many."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, keep_counts, read_counts, read_trial
from mlops_lab.serving.answering.trials import HALF_REQUESTS, MOST_CLASSES, Trial, Trials, note_trial

whole = st.integers(0, 9)
trials = st.builds(
    Trial,
    **dict.fromkeys(("asked", "failed", "unanswered", "timed", "looked_up", "missing", "missing_before"), whole),
)


@given(st.lists(trials, max_size=8), st.integers(0, 8))
def test_parts_add_up_in_any_grouping(parts, cut):
    together, first, second = Trial(), Trial(), Trial()
    for number, part in enumerate(parts):
        together.add(part)
        (first if number < cut else second).add(part)
    first.add(second)
    assert first == together
    assert together.asked == sum(part.asked for part in parts)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=6))
def test_answers_of_the_same_requests_are_summed(pairs):
    trial, (outputs, before) = Trial(), zip(*pairs, strict=True)
    trial.compare(outputs[:1], before[:1])
    trial.compare(outputs[1:], before[1:])
    assert trial.compared == len(pairs)
    assert (trial.outputs, trial.outputs_before) == (pytest.approx([sum(outputs)]), pytest.approx([sum(before)]))


def test_answers_that_are_no_numbers_are_left_out():
    trial = Trial()
    trial.compare([0.5, math.nan, 0.25], [0.5, 0.5, math.inf])
    trial.compare([[0.25, 0.75], [math.nan, 0.5]][1:], [[0.5, 0.5]])
    assert trial == Trial(compared=1, outputs=[0.5], outputs_before=[0.5])


def test_too_many_classes_are_left_out():
    trial = Trial()
    trial.compare([[0.0] * (MOST_CLASSES + 1)], [[0.0] * (MOST_CLASSES + 1)])
    assert trial == Trial()


def test_sums_of_other_classes_are_left_out():
    trial, other = Trial(), Trial()
    trial.compare([[0.25, 0.75]], [[0.5, 0.5]])
    other.compare([[0.25, 0.5, 0.25]], [[0.5, 0.5, 0.0]])
    trial.add(other)
    assert (trial.compared, trial.outputs) == (1, [0.25, 0.75])


def test_what_is_long_ago_is_forgotten():
    """A version that begins to fail after a long time is seen as failing."""
    noted: Trials = {}
    for _ in range(100):
        note_trial(noted, 2, Trial(asked=HALF_REQUESTS))
    note_trial(noted, 2, Trial(asked=200, failed=200))
    assert [half.asked for half in noted[2]] == [200, HALF_REQUESTS]
    assert [half.failed for half in noted[2]] == [200, 0]


def test_the_loop_reads_what_all_workers_saw(tmp_path: Path):
    assert read_trial(tmp_path, 2) == Trial()
    for worker, failed in enumerate((1, 2)):
        counts = WorkerCounts()
        note_trial(counts.trials, 2, Trial(asked=10, failed=failed, seconds=0.5))
        note_trial(counts.trials, 3, Trial(asked=7))
        keep_counts(counts_path(tmp_path, worker), counts)
        assert read_counts(counts_path(tmp_path, worker)) == counts
    assert read_trial(tmp_path, 2) == Trial(asked=20, failed=3, seconds=1.0)
    counts_path(tmp_path, 1).write_bytes(b"\x00" * 100)
    assert read_trial(tmp_path, 2) == Trial(asked=10, failed=1, seconds=0.5)
