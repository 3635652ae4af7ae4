"""Alerts about days that are unusual by the days before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.loop.watch_days import watch_day
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 60


def window_of(number: int) -> Window:
    return Window(START + timedelta(days=number), START + timedelta(days=number + 1))


def measured(number: int, *, version: int = 1, answers: float = 500.0, **values: float) -> pl.DataFrame:
    noise = np.random.default_rng(number).random(3)
    window = window_of(number)
    found = {
        ("volume", "predictions"): answers + 5 * noise[0],
        ("quality", "log_loss"): values.get("log_loss", 0.5) + 0.02 * noise[1],
        ("jensen_shannon", "distance"): values.get("drift", 0.05) + 0.01 * noise[2],
    }
    rows = [
        (window.end, 24.0, *series, version, value, None if series[0] == "jensen_shannon" else "champion", window.end)
        for series, value in found.items()
    ]
    return pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    MEASUREMENTS.append(lake, pl.concat([measured(number) for number in range(DAYS)]))
    return lake


def watch(lake: Lake, rows: pl.DataFrame, *, number: int = DAYS, champion: int = 1, zone: str = "UTC") -> list[Alert]:
    return watch_day(lake, window_of(number), rows, champion=champion, zone=zone).alerts


def test_a_usual_day_is_not_told(lake):
    assert watch(lake, measured(DAYS)) == []


def test_a_loss_is_a_page_that_says_since_when(lake):
    (alert,) = watch(lake, measured(DAYS, log_loss=5.0))
    assert alert.rule == "monitor_page"
    assert alert.what == "quality of log_loss is 5, usually 0.51; unusual since 2026-03-02"
    assert alert.where == "version 1"
    (elsewhere,) = watch(lake, measured(DAYS, log_loss=5.0), zone="Pacific/Auckland")
    assert elsewhere.what.endswith("since 2026-03-03")


def test_drift_is_a_note(lake):
    (alert,) = watch(lake, measured(DAYS, drift=0.9))
    assert alert.rule == "monitor_note"
    assert alert.what.startswith("jensen_shannon of distance is 0.9")


def test_the_next_day_of_the_same_loss_is_not_told_again(lake):
    first = measured(DAYS, log_loss=5.0)
    assert watch(lake, first)
    MEASUREMENTS.append(lake, first)
    assert watch(lake, measured(DAYS + 1, log_loss=5.0), number=DAYS + 1) == []


def test_drift_beside_other_training_data_is_no_history(lake):
    assert watch(lake, measured(DAYS, drift=0.9, version=2), champion=2) == []
    assert watch(lake, measured(DAYS, log_loss=5.0, version=2), champion=2), "the quality is"


def test_a_day_with_few_answers_says_how_many_they_were(lake):
    rules = {alert.what.split(" is ")[0] for alert in watch(lake, measured(DAYS, log_loss=5.0, answers=3.0))}
    assert rules == {"volume of predictions"}


def test_too_few_days_tell_nothing(tmp_path):
    lake = Lake(tmp_path / "new")
    assert watch(lake, measured(0, log_loss=5.0), number=0) == []
    MEASUREMENTS.append(lake, pl.concat([measured(number) for number in range(20)]))
    assert watch(lake, measured(20, log_loss=5.0), number=20) == []


def test_the_same_day_again_tells_the_same(lake):
    day = measured(DAYS, log_loss=5.0)
    assert watch(lake, day) == watch(lake, day)


def test_what_is_unusual_stays_so_until_it_is_usual_again(lake):
    def unusual(number: int, **values: float) -> frozenset[str] | None:
        rows = measured(number, **values)
        found = watch_day(lake, window_of(number), rows, champion=1, zone="UTC").unusual
        MEASUREMENTS.append(lake, rows)
        return found

    assert unusual(DAYS) == frozenset()
    assert [unusual(DAYS + day, log_loss=5.0) for day in (1, 2)] == [{"quality of log_loss"}] * 2
    assert unusual(DAYS + 3) == {"quality of log_loss"}
    assert [unusual(DAYS + day) for day in (4, 5, 6, 7)][-1] == frozenset()


def test_with_too_few_days_nobody_knows_what_is_unusual(tmp_path):
    assert watch_day(Lake(tmp_path), window_of(0), measured(0), champion=1, zone="UTC").unusual is None


def test_an_alert_is_about_its_monitor_whatever_version_answers(lake):
    (alert,) = watch(lake, measured(DAYS, log_loss=5.0))
    assert alert.key == ("monitor_page", "quality of log_loss")
