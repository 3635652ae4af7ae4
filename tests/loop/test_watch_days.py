"""Alerts about days that are unusual by the days before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.loop.watch_alerts import explain_alerts
from mlops_lab.loop.watch_days import DayWatcher
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
        ("excess_loss", "log_loss"): values.get("excess", 0.0) + 0.02 * noise[1],
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


def watch(
    lake: Lake, rows: pl.DataFrame, *, number: int = DAYS, champion: int = 1, zone: str = "UTC"
) -> Sequence[Alert]:
    return list(DayWatcher(zone=zone).watch(lake, window_of(number), rows, champion=champion).alerts)


def test_a_usual_day_is_not_told(lake):
    assert watch(lake, measured(DAYS)) == []


def test_rows_that_nobody_asked_for_are_a_page_on_the_day_on_which_they_arrive(tmp_path):
    lake = Lake(tmp_path / "lake")

    def with_deliveries(number: int, rows: float) -> pl.DataFrame:
        window = window_of(number)
        sent = [(window.end, 24.0, "deliveries", "orders", None, rows, None, window.end)]
        more = pl.DataFrame(sent, schema=MEASUREMENTS.fixed_schema, orient="row")
        return pl.concat([measured(number).filter(pl.col("monitor") == "volume"), more])

    MEASUREMENTS.append(lake, pl.concat([with_deliveries(number, 0.0) for number in range(30)]))
    assert watch(lake, with_deliveries(30, 15.0), number=30) == []
    (alert,) = watch(lake, with_deliveries(30, 5_000.0), number=30)
    assert (alert.rule, alert.about) == ("monitor_page", "deliveries of orders")
    assert alert.what == "deliveries of orders is 5,000, usually 0; unusual since 2026-01-31"
    assert alert.hint.startswith("look at who sends rows")


def test_a_loss_is_a_page_that_says_since_when(lake):
    (alert,) = watch(lake, measured(DAYS, excess=5.0))
    assert alert.rule == "monitor_page"
    assert alert.what == "excess_loss of log_loss is 5, usually 0.0103; unusual since 2026-03-02"
    assert alert.where == "version 1"
    (elsewhere,) = watch(lake, measured(DAYS, excess=5.0), zone="Pacific/Auckland")
    assert elsewhere.what.endswith("since 2026-03-03")


def test_drift_is_a_note(lake):
    (alert,) = watch(lake, measured(DAYS, drift=0.9))
    assert alert.rule == "monitor_note"
    assert alert.what.startswith("jensen_shannon of distance is 0.9")


def test_the_next_day_of_the_same_loss_is_not_told_again(lake):
    first = measured(DAYS, excess=5.0)
    assert watch(lake, first)
    MEASUREMENTS.append(lake, first)
    assert watch(lake, measured(DAYS + 1, excess=5.0), number=DAYS + 1) == []


def test_a_watcher_that_goes_on_tells_the_same_as_a_new_one(lake):
    watcher, told = DayWatcher(), []
    for number in range(DAYS, DAYS + 12):
        rows = measured(number, excess=5.0 if number == DAYS + 5 else 0.0, version=1 if number < DAYS + 8 else 2)
        champion = int(rows["version"][0])
        alerts = list(watcher.watch(lake, window_of(number), rows, champion=champion).alerts)
        assert alerts == watch(lake, rows, number=number, champion=champion)
        told += alerts
        MEASUREMENTS.append(lake, rows)
    assert len(told) == 1
    found = watcher.watch(lake, window_of(DAYS), measured(DAYS, excess=5.0), champion=1)
    assert found.alerts, "the clock was set back"
    assert found.loss_since == START + timedelta(days=DAYS)
    assert "; because" in explain_alerts(found.alerts, "because")[0].what


def test_drift_beside_other_training_data_is_no_history(lake):
    assert watch(lake, measured(DAYS, drift=0.9, version=2), champion=2) == []
    assert watch(lake, measured(DAYS, excess=5.0, version=2), champion=2), "the quality is"


def test_until_there_are_enough_days_drift_is_watched_beside_the_version_before(lake):
    watcher = DayWatcher()
    assert watcher.reference(lake, window_of(DAYS), champion=2) == 1
    for number in range(DAYS, DAYS + 29):
        MEASUREMENTS.append(lake, pl.concat([measured(number, version=2), beside_one(number, 0.05)]))
    assert watcher.reference(lake, window_of(DAYS + 20), champion=2) == 1
    (note,) = watch(
        lake, pl.concat([measured(DAYS + 5, version=2), beside_one(DAYS + 5, 0.9)]), number=DAYS + 5, champion=2
    )
    assert note.rule == "monitor_note"
    assert watcher.reference(lake, window_of(DAYS + 29), champion=2) == 2


def beside_one(number: int, drift: float) -> pl.DataFrame:
    return measured(number, version=1, drift=drift).filter(pl.col("monitor") == "jensen_shannon")


def test_a_day_with_few_answers_says_how_many_they_were(lake):
    rules = {alert.what.split(" is ")[0] for alert in watch(lake, measured(DAYS, excess=5.0, answers=3.0))}
    assert rules == {"volume of predictions"}


def test_too_few_days_tell_nothing(tmp_path):
    lake = Lake(tmp_path / "new")
    assert watch(lake, measured(0, excess=5.0), number=0) == []
    MEASUREMENTS.append(lake, pl.concat([measured(number) for number in range(20)]))
    assert watch(lake, measured(20, excess=5.0), number=20) == []


def test_the_same_day_again_tells_the_same(lake):
    day = measured(DAYS, excess=5.0)
    assert watch(lake, day) == watch(lake, day)


def test_what_is_unusual_stays_so_until_it_is_usual_again(lake):
    def unusual(number: int, **values: float) -> frozenset[str] | None:
        rows = measured(number, **values)
        found = DayWatcher().watch(lake, window_of(number), rows, champion=1).unusual
        MEASUREMENTS.append(lake, rows)
        return found

    assert unusual(DAYS) == frozenset()
    assert [unusual(DAYS + day, excess=5.0) for day in (1, 2)] == [{"excess_loss of log_loss"}] * 2
    assert unusual(DAYS + 3) == {"excess_loss of log_loss"}
    assert [unusual(DAYS + day) for day in (4, 5, 6, 7)][-1] == frozenset()


def test_with_too_few_days_nobody_knows_what_is_unusual(tmp_path):
    assert DayWatcher().watch(Lake(tmp_path), window_of(0), measured(0), champion=1).unusual is None


def test_an_alert_is_about_its_monitor_whatever_version_answers(lake):
    (alert,) = watch(lake, measured(DAYS, excess=5.0))
    assert alert.key == ("monitor_page", "excess_loss of log_loss")


def test_evidence_of_an_a_b_test_is_told_without_days_before_it(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    rows = measured(0)
    shares = {"monitor": "ab_test", "name": "shares", "value": 12.0, "version": None, "role": None}
    told = rows.head(1).with_columns(
        pl.lit(value).cast(rows.schema[name]).alias(name) for name, value in shares.items()
    )
    day = DayWatcher().watch(lake, window_of(0), pl.concat([rows, told]), champion=1)
    (alert,) = day.alerts
    assert alert.rule == "monitor_page"
    assert alert.what == "ab_test of shares: the odds that this is no chance are 1.63e+05 to 1; since 2026-01-01"
    assert alert.hint == "`mlops ab show` tells what the test shows"
    assert day.unusual is None, "of the other series too little is known"
    MEASUREMENTS.append(lake, pl.concat([rows, told]))
    state = DayWatcher().look(lake, window_of(1).end, champion=1)
    assert state.history["ab_test", "shares"] == 28, "it is calibrated at once"
    assert state.history["excess_loss", "log_loss"] == 1


def test_errors_of_a_day_with_few_answers_are_told(tmp_path: Path):
    def with_errors(number: int, share: float, *, answers: float = 500.0) -> pl.DataFrame:
        rows = measured(number, answers=answers)
        errors = {"monitor": "server_errors", "name": "requests", "value": share, "version": None, "role": None}
        return rows.vstack(
            rows.head(1).with_columns(
                pl.lit(value).cast(rows.schema[name]).alias(name) for name, value in errors.items()
            )
        )

    other = Lake(tmp_path / "lake")
    MEASUREMENTS.append(other, pl.concat([with_errors(number, 0.001) for number in range(DAYS)]))
    told = {alert.about for alert in watch(other, with_errors(DAYS, 0.9, answers=50.0))}
    assert "server_errors of requests" in told
