"""The evidence of every rollout: each by its own days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.monitoring.measure import measure_gain
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.rollout.evidence.paired import weigh_gains
from mlops_lab.status.past_rollouts import list_evidence
from mlops_lab.tables.declared import MEASUREMENTS

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
GAINS = np.random.default_rng(1).normal(0.02, 0.01, 40)


def decided(*steps: tuple[int, DecisionKind, int | None]) -> list[Decision]:
    return [Decision(BEGAN + day * DAY, what, version, "rule", "", "loop") for day, what, version in steps]


LIFE = decided(
    (0, DecisionKind.BOOTSTRAP, 1),
    (5, DecisionKind.SHADOW, 2),
    (9, DecisionKind.SHADOW, 3),
    (15, DecisionKind.PROMOTE, 3),
    (20, DecisionKind.SHADOW, 4),
)


@pytest.fixture
def project(tmp_path: Path, write_project: Callable[..., Project]) -> Project:
    return write_project(
        tmp_path,
        ("[source]", '[rollout]\nprove = "better"\nalpha = 0.04\n\n[source]'),
        ('timezone = "America/New_York"', 'timezone = "UTC"'),
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for number, gain in enumerate(GAINS):
        window = Window(BEGAN + number * DAY, BEGAN + (number + 1) * DAY)
        MEASUREMENTS.append(lake, measure_gain(window, pl.Series([gain] * 10)))
    return lake


def test_a_rollout_is_shown_from_its_first_candidate_to_its_end(project: Project, lake: Lake) -> None:
    first, second = list_evidence(project, lake, LIFE)
    assert (first.number, second.number, first.needed) == (1, 2, pytest.approx(25))
    assert first.days == [date(2026, 3, 6) + number * DAY for number in range(10)]
    assert second.days[0] == date(2026, 3, 21)
    assert len(second.days) == 20  # it is under way
    expected = weigh_gains(GAINS[5:15], alpha=0.04, rows=np.full(10, 10.0))
    assert first.e_values == pytest.approx(np.exp(expected.log_e))


def test_a_rollout_without_outcomes_is_left_out(project: Project, lake: Lake) -> None:
    late = [*LIFE, *decided((60, DecisionKind.ROLL_BACK, 4), (61, DecisionKind.SHADOW, 5))]
    assert [one.number for one in list_evidence(project, lake, late)] == [1, 2]
    assert list_evidence(project, lake, LIFE[:1]) == []
    assert list_evidence(project, Lake(lake.path.parent / "empty"), LIFE) == []
