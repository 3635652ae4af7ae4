"""Whose answers count in an A/B test, and from when on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ab_rows import DAY, HOUR, write_answers

from mlops_lab.lake import Lake
from mlops_lab.loop.ab_answers import ABAnswers, GroupCounts, read_test
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.value import declared_metric
from mlops_lab.tasks.binary import Binary


def read(tiny: Any, lake: Lake, *, days: int = 3, arms: tuple[tuple[int, float], ...] = ((2, 0.5),)) -> ABAnswers:
    state = RolloutState(champion=1, arms=arms, arms_since=tiny.now - days * DAY)
    metric = declared_metric(tiny.project, Binary())
    return read_test(tiny.project, lake, state, now=tiny.now, task=Binary(), metric=metric)


ARM = {"role": "arm", "version": 2}


def test_answers_count_for_the_version_of_their_key(tiny: Any, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    at = {"at": tiny.now - 2 * DAY, "known_at": tiny.now - DAY - HOUR}
    write_answers(
        tiny,
        lake,
        {**at, "customer": "a", "output": 0.9},
        {**at, "customer": "b", "output": 0.8, **ARM},
        {**at, "customer": None, "output": 0.7, **ARM},  # no key: by its id
        {**at, "customer": None},
        {**at, "customer": "c", "at": tiny.now - 2.5 * DAY},  # before servers had taken the test over
        {**at, "customer": "c", **ARM, "output": 0.6},
        {**at, "customer": "d", "role": "canary", "version": 3},
        {**at, "customer": "e", "role": "arm", "version": 4},  # of a test before
        {**at, "customer": "f", "at": tiny.now - 4 * DAY},  # before the test
        {**at, "customer": "g", **ARM, "known_at": None},
    )
    test = read(tiny, lake)
    assert test.counts == (GroupCounts(keys=3, requests=2, outcomes=2), GroupCounts(keys=4, requests=4, outcomes=3))
    assert test.crossed == 1
    order = np.argsort(test.answers.values)
    assert test.answers.values[order] == pytest.approx(np.log([0.5, 0.6, 0.7, 0.8, 0.9]))
    assert test.answers.groups[order].tolist() == [0, 1, 1, 1, 0]
    assert len(set(test.answers.keys.tolist())) == 5


def test_an_outcome_counts_on_the_day_on_which_it_arrived_once_that_is_over(tiny: Any, tmp_path: Path) -> None:
    """`tiny.now` is midnight in UTC - 5, the time zone of the project is New York's."""
    lake = Lake(tmp_path / "lake")
    until = read(tiny, lake).until
    assert tiny.now - DAY < until <= tiny.now
    write_answers(
        tiny,
        lake,
        {"at": until - 2 * DAY, "known_at": until - HOUR},
        {"at": until - 2 * DAY, "known_at": until - DAY - HOUR},
        {"at": until - 2 * DAY, "known_at": until - DAY - HOUR, "received_at": until - HOUR},
        {"at": until - 2 * DAY, "known_at": until - HOUR, "received_at": until},  # today
    )
    test = read(tiny, lake)
    assert test.counts[0].outcomes == (4 if until < tiny.now else 3)
    first, *others = np.diff(test.answers.days, prepend=test.answers.days[:1])
    assert (first, sorted(others)) == (0, [0, 1])
    assert len(test.answers.days) == 3


def test_history_is_what_keys_were_worth_before_as_known_then(tiny: Any, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    began = tiny.now - 3 * DAY
    write_answers(
        tiny,
        lake,
        {"customer": "a", "at": began - 2 * DAY, "known_at": began - DAY, "output": 0.2},
        {"customer": "a", "at": began - 2 * DAY, "known_at": began - DAY, "output": 0.4},
        {"customer": "a", "at": began - HOUR, "known_at": began + HOUR, "output": 0.9},  # known too late
        {"customer": "a", "at": began - 40 * DAY, "known_at": began - 39 * DAY, "output": 0.9},  # too long ago
        {"customer": "a", "at": began + HOUR, "known_at": began + 2 * HOUR},
        {"customer": "b", "at": began + HOUR, "known_at": began + 2 * HOUR, **ARM},
        {"customer": None, "at": began + HOUR, "known_at": began + 2 * HOUR, **ARM},
    )
    answers = read(tiny, lake).answers
    assert answers.history[answers.groups == 0] == pytest.approx([(np.log(0.2) + np.log(0.4)) / 2])
    assert np.isnan(answers.history[answers.groups == 1]).all()


def test_a_corrected_outcome_counts(tiny: Any, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    at = {"at": tiny.now - 2 * DAY, "output": 0.9, "id": "one"}
    write_answers(tiny, lake, {**at, "known_at": tiny.now - 1.5 * DAY})
    assert read(tiny, lake).answers.values == pytest.approx([np.log(0.9)])
    write_answers(tiny, lake, {**at, "known_at": tiny.now - 1.2 * DAY, "late": False, "verdict": "corrected"})
    assert read(tiny, lake).answers.values == pytest.approx([np.log(0.1)])


def test_nothing_was_asked_yet(tiny: Any, tmp_path: Path) -> None:
    test = read(tiny, Lake(tmp_path / "lake"))
    assert test.counts == (GroupCounts(), GroupCounts())
    assert test.answers.values.size == test.crossed == 0
