"""How good the answers of the champion are, as known now and as known then."""

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest
from msgspec import UNSET

from mlops_lab.lake import Lake
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.status.performance import _performance_of, last_quality, summarise
from mlops_lab.tables.declared import MEASUREMENTS

END = datetime(2024, 3, 25, 23, tzinfo=UTC)


def measured(*windows: dict[str, float]) -> pl.DataFrame:
    rows = [
        (
            END + timedelta(days=day),
            24.0,
            "volume" if name == "outcomes" else "quality",
            name,
            1,
            float(value),
            "champion",
            None,
        )
        for day, window in enumerate(windows)
        for name, value in window.items()
    ]
    return pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row")


def test_a_window_weighs_as_much_as_its_outcomes():
    window = summarise(
        measured(
            {"outcomes": 100, "log_loss": 0.4, "observed_rate": 0.5},
            {"outcomes": 300, "log_loss": 0.6, "observed_rate": 0.0},
            {"outcomes": 0},
        )
    )
    assert (window.metric, window.outcomes) == ("log_loss", 400)
    assert window.value == pytest.approx(0.55)
    assert window.base == pytest.approx(math.log(2) / 4), "of a rate of 0 the same answer is always right"
    assert window.at == (END + timedelta(days=1)).isoformat()


def test_squared_errors_add_up():
    window = summarise(
        measured(
            {"outcomes": 10, "rmse": 3.0, "mae": 2.0, "r2": 0.75},
            {"outcomes": 10, "rmse": 4.0, "mae": 2.0, "r2": 0.0},
        )
    )
    assert window.value == pytest.approx(math.sqrt(12.5))
    assert window.base == pytest.approx(math.sqrt((36 + 16) / 2))


def test_classes_have_no_base_rate():
    assert summarise(measured({"outcomes": 5, "log_loss": 1.1, "accuracy": 0.5})).base is None


@pytest.mark.parametrize("windows", [[], [{"outcomes": 0}], [{"outcomes": 3}]])
def test_without_outcomes_nothing_is_known(windows):
    assert summarise(measured(*windows)) is None


def test_the_roles_of_a_version_are_weighed_by_their_outcomes():
    """After a promotion, outcomes of its answers as canary and as champion come in on the same day."""
    rows = [
        (END, 24.0, monitor, name, 2, value, role, END)
        for role, outcomes, loss in (("canary", 100.0, 0.4), ("champion", 300.0, 0.6))
        for monitor, name, value in (("volume", "outcomes", outcomes), ("quality", "log_loss", loss))
    ]
    window = summarise(pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row"))
    assert (window.value, window.outcomes) == (pytest.approx(0.55), 400)


@pytest.mark.parametrize(
    ("champion", "expected"), [(1, {"log_loss": 0.9}), (2, {"log_loss": 0.4}), (3, {"log_loss": 0.7}), (4, {})]
)
def test_the_quality_is_that_of_the_champions_own_answers(tmp_path, champion, expected):
    rows = [
        (END, 24.0, "quality", "log_loss", 1, 0.9, "champion", END),
        (END, 24.0, "quality", "log_loss", 2, 0.4, "champion", END),
        (END, 24.0, "quality", "log_loss", 2, 0.5, "canary", END),
        (END, 24.0, "quality", "auc", 2, 0.6, "canary", END),
        (END, 24.0, "quality", "log_loss", 3, 0.7, None, END),  # from an older release
    ]
    lake = Lake(tmp_path)
    MEASUREMENTS.append(lake, pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row"))
    assert last_quality(SimpleNamespace(lake=lake, state=RolloutState(champion=champion))) == expected


def test_a_corrected_day_is_told_as_known_now_and_as_known_then():
    def loss(value: float, as_of: datetime) -> tuple:
        return (END, 24.0, "quality", "log_loss", 1, value, "champion", as_of)

    volume = (END, 24.0, "volume", "outcomes", 1, 100.0, "champion", END)
    rows = [volume, loss(0.4, END), loss(0.7, END + timedelta(days=3)), loss(0.6, END + timedelta(days=2))]
    day, week = _performance_of(pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row"), "UTC")
    assert (day.value, day.first_known, day.outcomes, week) == (0.7, 0.4, 100, None)
    day, _ = _performance_of(pl.DataFrame(rows[:2], schema=MEASUREMENTS.fixed_schema, orient="row"), "UTC")
    assert (day.value, day.first_known) == (0.4, UNSET)
