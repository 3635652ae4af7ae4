"""What the loop reads from the lake: the outcomes of the day, both answers of a rollout, nothing of the future."""

import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.observe import (
    MeasuredDay,
    accepted_since,
    measure_day,
    measurements_since,
    observe,
    predictions_of_day,
    rollout_pairs,
    task_of,
)
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.registry.package import PROFILE_FILE
from mlops_lab.rollout.decisions import DecisionKind, RolloutState
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tasks.binary import Binary

HOUR = timedelta(hours=1)


@pytest.fixture
def package(tiny, tmp_path: Path) -> Path:
    """The folder of the model, with the profile of what it was trained on."""
    folder = Path(shutil.copytree(tiny.package, tmp_path / "package"))
    (folder / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def write_outcomes(tiny, lake: Lake, *rows: dict) -> None:
    base = {"verdict": "accepted", "late": True, "role": "champion", "output": 0.5, "version": 1}
    base |= {"known_at": tiny.now - HOUR, "predicted_at": tiny.now - 2 * HOUR, "shop": "a", "express": True}
    OUTCOMES.append(
        lake,
        pl.DataFrame(
            [{**base, "id": str(number), **row} for number, row in enumerate(rows)],
            schema=OUTCOMES.schema(tiny.project),
        ),
    )


def write_measurements(lake: Lake, *rows: tuple) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(at, 24.0, monitor, name, 1, value) for at, monitor, name, value in rows],
        schema=MEASUREMENTS.fixed_schema,
        orient="row",
    )
    MEASUREMENTS.append(lake, frame)
    return frame


def test_an_empty_lake_has_nothing_to_observe(tiny, lake):
    assert predictions_of_day(tiny.project, lake, now=tiny.now).is_empty()
    assert measurements_since(lake, tiny.now).is_empty()
    assert accepted_since(lake, tiny.now).is_empty()
    pairs = rollout_pairs(tiny.project, lake, since=tiny.now, now=tiny.now, task=Binary())
    assert pairs.columns == ["truth", "champion", "challenger"]
    assert pairs.is_empty()


def test_the_predictions_of_a_day_begin_at_midnight_and_end_before_the_next(tiny, lake):
    began = days_before(tiny.now, 1, tiny.project.timezone)
    moments = {"before": began - HOUR, "first": began, "last": tiny.now - timedelta(microseconds=1), "after": tiny.now}
    rows = [{"id": name, "at": at, "asked_at": at, "shop": "a", "express": True} for name, at in moments.items()]
    PREDICTIONS.append(lake, pl.DataFrame(rows, schema=PREDICTIONS.schema(tiny.project)))
    assert predictions_of_day(tiny.project, lake, now=tiny.now)["id"].to_list() == ["first", "last"]


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
    measured = measure_day(
        tiny.project,
        lake,
        now=tiny.now,
        state=RolloutState(champion=1),
        package=package,
        predictions=predictions_of_day(tiny.project, lake, now=tiny.now),
    )
    values = {
        (monitor, name): value for monitor, name, value in measured.select("monitor", "name", "value").iter_rows()
    }
    assert values["volume", "outcomes"] == 3
    assert values["quality", "observed_rate"] == pytest.approx(2 / 3)
    assert values["volume", "predictions"] == 0


def test_measurements_are_read_after_a_moment(lake, tiny):
    write_measurements(lake, (tiny.now - HOUR, "volume", "x", 1.0), (tiny.now, "volume", "y", 2.0))
    assert measurements_since(lake, tiny.now - HOUR)["name"].to_list() == ["y"]
    assert measurements_since(lake, tiny.now - 2 * HOUR)["name"].to_list() == ["x", "y"]


def test_a_pair_is_what_both_versions_answered_whoever_was_shown(tiny, lake):
    since = tiny.now - 10 * HOUR
    write_outcomes(
        tiny,
        lake,
        {"output": 0.1, "shadow_output": 0.9},
        {"output": 0.2, "shadow_output": 0.8, "role": "canary", "late": False},
        {"output": 0.3},  # scored by one version only
        {"shadow_output": 0.7, "predicted_at": since - HOUR},  # before the rollout
        {"shadow_output": 0.7, "known_at": tiny.now},  # not known yet
        {"shadow_output": 0.7, "verdict": "conflict"},
    )
    pairs = rollout_pairs(tiny.project, lake, since=since, now=tiny.now, task=Binary())
    assert pairs.rows() == [(1.0, 0.1, 0.9), (0.0, 0.8, 0.2)]


def test_accepted_outcomes_are_read_in_the_order_of_their_ids(tiny, lake):
    write_outcomes(tiny, lake, {"id": "b"}, {"id": "c", "verdict": "unknown"})
    write_outcomes(tiny, lake, {"id": "a"})
    assert accepted_since(lake, tiny.now - 5 * HOUR)["id"].to_list() == ["a", "b"]
    assert accepted_since(lake, tiny.now - 5 * HOUR, columns=["id", "verdict"]).columns == ["id", "verdict"]


def test_an_observation_counts_differing_cells_of_the_rollout_and_of_the_day(tiny, lake, package):
    began = tiny.now - 5 * HOUR
    state = RolloutState(champion=1, challenger=2, stage=DecisionKind.SHADOW, since=began, rollout_began=began)
    write_measurements(lake, (began, "parity", "differing", 100.0), (began + HOUR, "parity", "differing", 2.0))
    today = write_measurements(Lake(lake.path.with_name("other")), (tiny.now, "parity", "differing", 3.0))
    day = MeasuredDay(tiny.now, today, [])
    for measured, expected in ((None, 2), (day, 5)):
        observation = observe(tiny.project, lake, now=tiny.now, state=state, package=package, day=measured)
        assert observation.rollout is not None
        assert observation.rollout.differing_cells == expected
    assert observation.read_measurements(began).height == 1


def test_without_a_rollout_no_pairs_are_read(tiny, lake, package):
    state = RolloutState(champion=1, last_retrain=tiny.now)
    assert observe(tiny.project, lake, now=tiny.now, state=state, package=package, day=None).rollout is None


def test_the_task_is_that_of_the_package(package):
    assert task_of(package).kind == "binary"
