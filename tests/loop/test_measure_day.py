"""A day that is over: what was answered on it, and the outcomes that arrived on it."""

import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.measure_day import accepted_since, measure_window, predictions_in, task_of
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.registry.package import PROFILE_FILE
from mlops_lab.tables.declared import PREDICTIONS


@pytest.fixture
def package(tiny, tmp_path: Path) -> Path:
    """The folder of the model, with the profile of what it was trained on."""
    folder = Path(shutil.copytree(tiny.package, tmp_path / "package"))
    (folder / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def yesterday(tiny) -> Window:
    return Window(days_before(tiny.now, 1, tiny.project.timezone), tiny.now)


def test_the_predictions_of_a_day_begin_at_midnight_and_end_before_the_next(tiny, lake):
    began = days_before(tiny.now, 1, tiny.project.timezone)
    moments = {"before": began - HOUR, "first": began, "last": tiny.now - timedelta(microseconds=1), "after": tiny.now}
    rows = [{"id": name, "at": at, "asked_at": at, "shop": "a", "express": True} for name, at in moments.items()]
    PREDICTIONS.append(lake, pl.DataFrame(rows, schema=PREDICTIONS.schema(tiny.project)))
    assert predictions_in(lake, yesterday(tiny))["id"].to_list() == ["first", "last"]


def test_a_day_is_measured_on_the_outcomes_that_arrived_on_it(tiny, lake, package):
    began = days_before(tiny.now, 1, tiny.project.timezone)
    write_outcomes(
        tiny,
        lake,
        {"late": True},
        {"late": False},
        {"known_at": began - 2 * HOUR},  # known before
        {"known_at": began - 2 * HOUR, "received_at": began + HOUR},  # known before, and it came today
        {"received_at": tiny.now + HOUR},  # not here yet
        {"verdict": "unknown", "output": None},
    )
    measured = measure_window(
        tiny.project,
        lake,
        yesterday(tiny),
        champion=1,
        package=package,
        predictions=predictions_in(lake, yesterday(tiny)),
    )
    values = {
        (monitor, name): value for monitor, name, value in measured.select("monitor", "name", "value").iter_rows()
    }
    assert values["volume", "outcomes"] == 3
    assert values["quality", "observed_rate"] == pytest.approx(2 / 3)
    assert values["volume", "predictions"] == 0


def test_accepted_outcomes_are_read_in_the_order_of_their_ids(tiny, lake):
    write_outcomes(tiny, lake, {"id": "b"}, {"id": "c", "verdict": "unknown"})
    write_outcomes(tiny, lake, {"id": "a"})
    assert accepted_since(lake, tiny.now - 5 * HOUR)["id"].to_list() == ["a", "b"]
    assert accepted_since(lake, tiny.now - 5 * HOUR, columns=["id", "verdict"]).columns == ["id", "verdict"]


def test_the_task_is_that_of_the_package(tiny, package):
    assert task_of(tiny.project, package).kind == "binary"
