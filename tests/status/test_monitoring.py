"""How far the watching of the days is, as `mlops status` tells it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.loop.watch_days import DayWatcher
from mlops_lab.monitoring.rules import rules_of
from mlops_lab.project.monitors_section import MonitorSection
from mlops_lab.status.monitoring import estimate_quality
from mlops_lab.status.records import MonitoringStatus
from mlops_lab.status.sentences import _monitoring
from mlops_lab.tables.declared import MEASUREMENTS

START = datetime(2026, 1, 1, tzinfo=UTC)


def write_days(lake: Lake, days: int) -> datetime:
    rng = np.random.default_rng(1)
    rows = [
        (end, 24.0, monitor, name, 1, value + 0.01 * rng.random(), "champion", end)
        for end in (START + timedelta(days=number + 1) for number in range(days))
        for monitor, name, value in (("volume", "predictions", 500.0), ("nulls", "x", 0.1), ("skill", "log_loss", 0.1))
    ]
    MEASUREMENTS.append(lake, pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row"))
    return START + timedelta(days=days + 1)


def test_the_days_of_history_and_rules_about_nothing_are_known(tmp_path):
    lake = Lake(tmp_path / "lake")
    now = write_days(lake, 12)
    rules = rules_of([MonitorSection(feature="x", severity="note"), MonitorSection(feature="y", severity="off")])
    state = DayWatcher(rules=rules).look(lake, now, champion=1)
    assert set(state.history.values()) == {12}
    assert {rule.name for rule in state.unused} == {"y"}
    assert DayWatcher().look(Lake(tmp_path / "new"), now, champion=1).history == {}


@pytest.mark.parametrize(
    ("calibrated", "days", "expected"),
    [
        (0, 12, "the monitors are not calibrated yet: 12 of 28 days"),
        (30, 5, "4 monitors of 34 are not calibrated yet: 5 of 28 days"),
    ],
)
def test_what_is_not_calibrated_is_told(calibrated: int, days: int, expected: str):
    status = MonitoringStatus(budget_days=90, watched=34, calibrated=calibrated, days=days, needed_days=28, unusual=[])
    assert list(_monitoring(status)) == [expected]


def test_what_is_unusual_is_told_in_few_words():
    unusual = [f"nulls of x{number}" for number in range(5)]
    status = MonitoringStatus(budget_days=90, watched=9, calibrated=9, days=None, needed_days=28, unusual=unusual)
    assert list(_monitoring(status)) == [
        "unusual: nulls of x0, nulls of x1, nulls of x2 and 2 more (`mlops status --json`)"
    ]


def write_estimates(lake: Lake, *, drifting: float) -> datetime:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(60):
        end = START + timedelta(days=number + 1)
        error = rng.normal(0.02, 0.01) + drifting * max(0, number - 35)
        for monitor, value in (("estimate", 0.5), ("estimate_error", error)):
            rows.append((end, 24.0, monitor, "log_loss", 1, value, "champion", end))
    MEASUREMENTS.append(lake, pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row"))
    return START + timedelta(days=61)


def test_the_quality_before_outcomes_is_told_with_its_error(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert estimate_quality(lake, START) == []
    (found,) = estimate_quality(lake, write_estimates(lake, drifting=0.0))
    assert found.metric == "log_loss"
    assert found.value == pytest.approx(0.48, abs=0.01)
    assert found.error is not None
    assert 0.005 < found.error < 0.03
    assert found.reason == ""


def test_an_estimate_that_was_not_honest_is_switched_off_and_says_so(tmp_path):
    lake = Lake(tmp_path / "lake")
    (found,) = estimate_quality(lake, write_estimates(lake, drifting=0.05))
    assert (found.value, found.error) == (None, None)
    assert "on only" in found.reason
