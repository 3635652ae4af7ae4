"""A day that is over: what was answered on it, and the outcomes that arrived on it."""

import shutil
from pathlib import Path

import msgspec
import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import predictions_in
from mlops_lab.loop.measure_day import measure_corrected, measure_window
from mlops_lab.monitoring.measure import as_known_now, as_known_then
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.registry.package import PROFILE_FILE
from mlops_lab.tables.declared import MEASUREMENTS


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


def test_a_day_of_which_outcomes_are_corrected_is_measured_again_as_known_then(tiny, lake, package):
    day = yesterday(tiny)
    before = Window(days_before(day.began, 1, tiny.project.timezone), day.began)
    arrived = {"known_at": before.began + HOUR, "predicted_at": before.began, "output": 0.9}
    corrected = {**arrived, "verdict": "corrected", "known_at": day.began + HOUR, "late": False}
    write_outcomes(tiny, lake, {**arrived, "id": "a"}, {**arrived, "id": "b"}, {**corrected, "id": "a"})

    def measure(window: Window) -> pl.DataFrame:
        predictions = predictions_in(lake, window)
        return measure_window(tiny.project, lake, window, champion=1, package=package, predictions=predictions)

    MEASUREMENTS.append(lake, measure(before))
    again = measure_corrected(tiny.project, lake, day, package=package)
    assert {*again["as_of"]} == {day.end}
    assert {*again["at"]} == {before.end}
    assert {*again["monitor"]} == {"quality", "calibration"}
    MEASUREMENTS.append(lake, again)
    rows = MEASUREMENTS.read(lake)
    assert value(as_known_then(rows), "observed_rate") == 1.0
    assert value(as_known_now(rows), "observed_rate") == 0.5
    assert value(as_known_now(rows), "log_loss") > value(as_known_then(rows), "log_loss")
    assert measure_corrected(tiny.project, lake, before, package=package).is_empty()


def value(measurements: pl.DataFrame, name: str) -> float:
    return measurements.filter(pl.col("monitor") == "quality", pl.col("name") == name)["value"].item()


def test_answers_are_measured_in_the_unit_of_the_business(tiny, lake, package, write_project, tmp_path: Path):
    ab = "[ab]\nthreshold = 0.5\ntrue_positive = 30\nfalse_positive = -10"
    project = write_project(tmp_path, ("[gates]", f"{ab}\n\n[gates]"))
    write_outcomes(tiny, lake, {"late": True, "output": 0.6}, {"late": False, "output": 0.9}, {"output": 0.2})

    def measure(of) -> dict[str, float]:
        rows = measure_window(
            of, lake, yesterday(tiny), champion=1, package=package, predictions=predictions_in(lake, yesterday(tiny))
        )
        found = rows.filter(pl.col("monitor") == "business_value", pl.col("role") == "champion")
        return dict(found.select("name", "value").iter_rows())

    expected = ((0.6 * 30 - 0.4 * 10) + (0.9 * 30 - 0.1 * 10)) / 3
    assert measure(project) == pytest.approx({"mean": 20 / 3, "excess": 20 / 3 - expected})
    assert measure(tiny.project) == {}, "no value is declared"
    broken = write_project(tmp_path, ("[gates]", '[ab]\nvalue = "nothing * 2"\n\n[gates]'))
    assert measure(broken) == {}
