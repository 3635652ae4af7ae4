"""The error rate of a year: the trials that were, at the level of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.status.error_rate import measure_error_rate

START = datetime(2026, 1, 1, tzinfo=UTC)


def decided(*steps: tuple[int, DecisionKind, int | None]) -> list[Decision]:
    return [Decision(START + timedelta(days=day), what, version, "rule", "", "loop") for day, what, version in steps]


LIFE = decided(
    (0, DecisionKind.BOOTSTRAP, 1),
    (10, DecisionKind.RETRAIN, None),
    (10, DecisionKind.SHADOW, 2),
    (24, DecisionKind.RETRAIN, None),
    (24, DecisionKind.SHADOW, 3),
    (30, DecisionKind.CANARY, 3),
    (33, DecisionKind.PROMOTE, 3),
    (40, DecisionKind.RETRAIN, None),
    (40, DecisionKind.REFUSE, 4),
    (50, DecisionKind.RETRAIN, None),
    (50, DecisionKind.SHADOW, 5),
)


@pytest.fixture
def proving(tmp_path: Path, write_project: Callable[..., Project]) -> Callable[[str], Project]:
    return lambda prove: write_project(
        tmp_path, ("[source]", f'[rollout]\nprove = "{prove}"\nalpha = 0.05\n\n[source]')
    )


@pytest.mark.parametrize(("prove", "covers", "trials"), [("better", "rollout", 2), ("backtest", "candidate", 4)])
def test_trials_are_rollouts_or_candidates(
    proving: Callable[[str], Project], prove: str, covers: str, trials: int
) -> None:
    """A fresher candidate in the same rollout is no new trial; each candidate is one for the gate."""
    rate = measure_error_rate(proving(prove), LIFE, START + timedelta(days=73))
    assert rate is not None
    assert (rate.covers, rate.trials, rate.days, rate.asked) == (covers, trials, 73, "better")
    assert rate.expected_a_year == pytest.approx(0.05 * trials * 5)


def test_only_the_last_year_counts_and_a_few_days_tell_nothing(proving: Callable[[str], Project]) -> None:
    project = proving("not_worse")
    assert measure_error_rate(project, LIFE, START + timedelta(days=27)) is None
    assert measure_error_rate(project, [], START) is None
    rate = measure_error_rate(project, LIFE, START + timedelta(days=365 + 45))
    assert rate is not None
    assert (rate.trials, rate.days, rate.asked) == (1, 365, "not_worse")
    assert rate.expected_a_year == pytest.approx(0.05)
