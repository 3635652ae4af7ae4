"""The days of a rollout, as `mlops rollout show` draws them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.monitoring.measure import measure_gain
from mlops_lab.monitoring.window import Window
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.status.rollout_days import list_days
from mlops_lab.tables.declared import MEASUREMENTS

BEGAN = datetime(2013, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DECISIONS = [
    Decision(BEGAN + days * DAY, what, version, "r", "", "loop", evidence)
    for days, what, version, evidence in (
        (-9, DecisionKind.BOOTSTRAP, 1, {}),
        (0, DecisionKind.SHADOW, 2, {}),
        (14, DecisionKind.SUPERSEDE, 3, {}),
        (20, DecisionKind.PROMOTE, 3, {"watch_days": 28}),
    )
]


def loop_with(tiny, tmp_path: Path, gains: list[float], **state: object) -> SimpleNamespace:
    lake = Lake(tmp_path / "lake")
    for number, gain in enumerate(gains):
        window = Window(BEGAN + number * DAY, BEGAN + (number + 1) * DAY)
        MEASUREMENTS.append(lake, measure_gain(window, pl.Series([gain] * 10)))
    rollout = msgspec.structs.replace(tiny.project.settings.rollout, prove="better")
    settings = msgspec.structs.replace(tiny.project.settings, rollout=rollout)
    project = SimpleNamespace(settings=settings)
    return SimpleNamespace(lake=lake, project=project, state=RolloutState(**state), decisions=DECISIONS)


def test_each_day_has_what_all_days_until_then_show(tiny, tmp_path):
    gains = np.random.default_rng(1).normal(0.02, 0.01, 30).tolist()
    days = list_days(loop_with(tiny, tmp_path, gains, rollout_began=BEGAN))
    assert [day.gain for day in days] == pytest.approx(gains)
    assert {day.rows for day in days} == {10}
    assert days[-1].mean == pytest.approx(np.mean(gains))
    assert days[0].lower is None, "one day proves nothing"
    assert days[-1].lower < days[-1].mean < days[-1].upper
    assert days[-1].lower > 0
    assert days[-1].e_value > 20
    assert days[0].at == (BEGAN + DAY).isoformat()
    assert [day.version for day in days] == [2] * 14 + [3] * 6 + [1] * 10, "candidates, then the champion before"


@pytest.mark.parametrize("gains", [[], [0.1]])
def test_there_are_no_days_without_a_rollout_or_outcomes(tiny, tmp_path, gains):
    began = {"rollout_began": BEGAN + 5 * DAY} if gains else {"rollout_began": BEGAN}
    assert list_days(loop_with(tiny, tmp_path, gains, **began)) == []
    assert list_days(loop_with(tiny, tmp_path / "other", gains)) == []
