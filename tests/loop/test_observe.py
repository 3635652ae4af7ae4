"""What the loop reads from the lake: the outcomes of the day, both answers of a rollout, nothing of the future."""

import shutil
from pathlib import Path

import msgspec
import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import accepted_since, predictions_in, task_of
from mlops_lab.loop.measure_day import MeasuredDay
from mlops_lab.loop.observe import measurements_since, observe
from mlops_lab.loop.rollout_evidence import rollout_pairs
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.registry.package import PLAN_FILE, PROFILE_FILE, package_fingerprint, write_plan
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, write_decision
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES
from mlops_lab.tasks.binary import Binary

DAYS = 48 * HOUR


@pytest.fixture
def package(tiny, tmp_path: Path) -> Path:
    """The folder of the model, with the profile of what it was trained on."""
    folder = Path(shutil.copytree(tiny.package, tmp_path / "package"))
    (folder / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def write_measurements(lake: Lake, *rows: tuple) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(at, 24.0, monitor, name, 1, value, None, at) for at, monitor, name, value in rows],
        schema=MEASUREMENTS.fixed_schema,
        orient="row",
    )
    MEASUREMENTS.append(lake, frame)
    return frame


def yesterday(tiny) -> Window:
    return Window(days_before(tiny.now, 1, tiny.project.timezone), tiny.now)


def test_an_empty_lake_has_nothing_to_observe(tiny, lake):
    assert predictions_in(lake, yesterday(tiny)).is_empty()
    assert measurements_since(lake, tiny.now).is_empty()
    assert accepted_since(tiny.project, lake, tiny.now, known_by=tiny.now).is_empty()
    pairs = rollout_pairs(tiny.project, lake, since=tiny.now, now=tiny.now, task=Binary())
    assert pairs.columns == ["truth", "champion", "challenger"]
    assert pairs.is_empty()


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
        {"shadow_output": 0.7, "received_at": tiny.now},  # known, and not here yet
        {"shadow_output": 0.7, "verdict": "conflict"},
    )
    pairs = rollout_pairs(tiny.project, lake, since=since, now=tiny.now, task=Binary())
    assert pairs.rows() == [(1.0, 0.1, 0.9), (0.0, 0.8, 0.2)]


def test_an_observation_counts_differing_cells_of_the_rollout_and_of_the_day(tiny, lake, package):
    began = tiny.now - 5 * HOUR
    state = RolloutState(champion=1, challenger=2, stage=DecisionKind.SHADOW, since=began, rollout_began=began)
    write_measurements(lake, (began, "parity", "differing", 100.0), (began + HOUR, "parity", "differing", 2.0))
    today = write_measurements(Lake(lake.path.with_name("other")), (tiny.now, "parity", "differing", 3.0))
    day = MeasuredDay(yesterday(tiny), today, [])
    for measured, expected in ((None, 2), (day, 5)):
        observation = observe(tiny.project, lake, now=tiny.now, state=state, package=package, day=measured)
        assert observation.rollout is not None
        assert observation.rollout.differing_cells == expected
    assert observation.read_measurements(began).height == 1


def test_without_a_rollout_no_pairs_are_read(tiny, lake, package):
    state = RolloutState(champion=1, last_retrain=tiny.now)
    assert observe(tiny.project, lake, now=tiny.now, state=state, package=package, day=None).rollout is None


def test_answers_of_versions_that_know_other_classes_are_compared_by_name(tiny, lake, tmp_path, write_project):
    label = 'late = { type = "string", categories = ["new", "no", "yes"] }'
    project = write_project(tmp_path, ('late = "boolean"', label))
    decisions = []
    for version, classes in ((1, ["yes", "no"]), (2, ["no", "new", "yes"])):
        package = Path(shutil.copytree(tiny.package, tmp_path / f"package{version}"))
        plan = msgspec.structs.replace(tiny.plan, task="multiclass", classes=classes)
        (package / PLAN_FILE).write_bytes(write_plan(plan))
        evidence = {"package": package.name, "fingerprint": package_fingerprint(package)}
        decisions.append(Decision(tiny.now, DecisionKind.SHADOW, version, "gates", "", "test", evidence))
    for number, decision in enumerate(decisions):
        assert write_decision(lake, decision, earlier=number)
    base = {"verdict": "accepted", "role": "champion", "version": 1, "shadow_version": 2, "known_at": tiny.now - HOUR}
    base |= {"predicted_at": tiny.now - 2 * HOUR, "output": [0.7, 0.3], "shadow_output": [0.2, 0.1, 0.7]}
    rows = [{**base, "id": "a", "late": "yes"}, {**base, "id": "b", "late": "new"}]
    OUTCOMES.append(lake, pl.DataFrame(rows, schema=OUTCOMES.schema(project)))
    task = task_of(project, tmp_path / "package1")
    pairs = rollout_pairs(project, lake, since=tiny.now - DAYS, now=tiny.now, task=task)
    assert task.classes == ("yes", "no", "new")
    assert pairs["truth"].to_list() == [0.0, 2.0]
    assert pairs["champion"].to_list() == [[0.7, 0.3, 0.0]] * 2
    assert pairs["challenger"].to_list() == [[0.7, 0.2, 0.1]] * 2


def test_a_label_of_another_task_tells_nothing_about_the_champion(tiny, lake, package, write_project, tmp_path):
    write_outcomes(tiny, lake, {}, {})
    project = write_project(
        tmp_path, ('label = "late"', 'label = "minutes"'), ('minutes = "float?"', 'minutes = "float"')
    )
    pairs = rollout_pairs(project, lake, since=tiny.now - DAYS, now=tiny.now, task=task_of(project, package))
    assert pairs.is_empty()
