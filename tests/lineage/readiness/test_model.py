"""The tests about the model."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from readiness_facts import COMMIT, FIRST, NOTHING, lived, make_evidence, make_settings, measure, measure_days, train

from mlops_lab.lineage.readiness.model import (
    check_correlation,
    check_review,
    check_simpler,
    check_slices,
    check_staleness,
    check_tuning,
)
from mlops_lab.registry.store.records import TrackedRun
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.tuning.trial_result import STUDY, TRIAL


@pytest.mark.parametrize(
    ("commit", "approved", "points"),
    [
        (COMMIT, True, 1),
        (COMMIT, False, 0.5),
        ("unversioned", True, 0.5),
        ("unversioned", False, 0),
        (f"{COMMIT}+changes", False, 0),
        (None, False, 0),
    ],
)
def test_a_review_is_a_commit_and_an_approval(commit: str | None, approved: bool, points: float) -> None:
    decisions = [item for item in lived() if approved or item.what is not DecisionKind.APPROVE]
    found = check_review(make_evidence(commit=commit, decisions=decisions))
    assert found.points == points
    assert ("bob approved it" in found.evidence) == approved


def test_an_approval_of_another_version_does_not_count() -> None:
    decisions = [train(0, DecisionKind.BOOTSTRAP, 1), *(item for item in lived() if item.what is DecisionKind.APPROVE)]
    assert check_review(make_evidence(decisions=decisions)).points == 0.5


def with_losses(pairs: list[tuple[float, float]]) -> Any:
    decisions, parts = [], []
    for version, (held_out, live) in enumerate(pairs, 1):
        kind = DecisionKind.BOOTSTRAP if version == 1 else DecisionKind.PROMOTE
        decisions.append(train(version, kind, version, sanity={"evidence": {"log_loss": held_out}}))
        parts.append(measure((version, "quality", "log_loss", live), version=version))
    return make_evidence(decisions=decisions, measurements=pl.concat(parts) if parts else measure())


@pytest.mark.parametrize(
    ("pairs", "points", "says_no"),
    [
        ([(0.1, 0.11), (0.2, 0.22), (0.3, 0.29), (0.4, 0.41), (0.5, 0.52)], 1, False),
        ([(0.1, 0.51), (0.2, 0.42), (0.3, 0.33), (0.4, 0.21), (0.5, 0.12)], 0, True),
        ([(0.1, 0.2), (0.2, 0.1), (0.3, 0.3), (0.4, 0.2)], 0, False),
        ([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)], 0, False),
        ([(0.1, 0.1), (0.1, 0.2), (0.1, 0.3), (0.1, 0.4), (0.1, 0.5)], 0, False),
        ([(0.1, 0.1)], 0, False),
    ],
)
def test_losses_must_go_together_beyond_chance(pairs: list[tuple[float, float]], points: float, says_no: bool) -> None:
    found = check_correlation(with_losses(pairs))
    assert (found.points, found.says_no) == (points, says_no)


def test_a_live_loss_that_is_no_number_is_left_out() -> None:
    evidence = with_losses([(0.1, 0.1), (0.2, math.inf), (0.3, math.nan)])
    assert "of 1 version" in check_correlation(evidence).evidence


def trial(study: str, state: str = "finished") -> TrackedRun:
    tags = {STUDY: study, TRIAL: "1", "state": state}
    return TrackedRun("r", "tune:1", {}, {}, tags, is_finished=True, began=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("runs", "points"),
    [
        ([], 0),
        ([trial("one")] * 9, 0),
        ([trial("one", "failed")] * 20, 0),
        ([trial("one")] * 10, 0.5),
        ([trial("one")] * 8 + [trial("two")] * 2, 1),
    ],
)
def test_a_search_has_ten_finished_trials(runs: list[TrackedRun], points: float) -> None:
    assert check_tuning(make_evidence(runs=runs)).points == points


def test_staleness_is_seen_where_fresher_candidates_are_compared() -> None:
    only_gate = make_evidence(measurements=measure())
    assert check_staleness(only_gate).points == 1
    first = [train(0, DecisionKind.BOOTSTRAP, 1, backtest={"evidence": {}})]
    assert check_staleness(make_evidence(decisions=first, measurements=measure())).points == 0
    found = check_staleness(make_evidence(decisions=first, measurements=measure_days([1], ["evidence"])))
    assert found.points == 0.5


def test_a_linear_model_that_is_as_good_says_no() -> None:
    doubt = {"reason": "warning: no better than a logistic regression"}
    decisions = [train(0, DecisionKind.BOOTSTRAP, 1), train(1, DecisionKind.PROMOTE, 2, baseline=doubt)]
    found = check_simpler(make_evidence(decisions=decisions))
    assert (found.points, found.says_no, found.evidence) == (0, True, doubt["reason"])
    assert check_simpler(make_evidence(decisions=decisions[:1])).points == 0.5
    assert not check_simpler(NOTHING).says_no


def test_groups_must_be_named_and_compared() -> None:
    assert check_slices(make_evidence(settings=make_settings(gates={}))).points == 0
    decisions = [train(0, DecisionKind.BOOTSTRAP, 1, slices={"evidence": {}})]
    assert check_slices(make_evidence(decisions=decisions, measurements=measure())).points == 0
    assert check_slices(make_evidence(decisions=decisions)).points == 1
    found = check_slices(make_evidence(measurements=measure()))
    assert (found.points, found.on) == (1, lived()[8].at.date())
    assert FIRST.date() < found.on
