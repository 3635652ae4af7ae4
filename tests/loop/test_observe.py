"""What the loop reads from the lake: the outcomes of the day, both answers of a rollout, nothing of the future."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.decide import decide
from mlops_lab.loop.joined_outcomes import accepted_since, predictions_in, task_of
from mlops_lab.loop.measure_day import MeasuredDay
from mlops_lab.loop.observe import RolloutEvidence, measurements_since, observe, show_superseded
from mlops_lab.loop.rollout_evidence import rollout_pairs
from mlops_lab.monitoring.measure import measure_gain
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.registry.package import PLAN_FILE, PROFILE_FILE, package_fingerprint, write_plan
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, Watch
from mlops_lab.rollout.proof import NO_DAYS
from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, keep_counts
from mlops_lab.serving.answering.trials import Trial, note_trial
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES
from mlops_lab.tasks.binary import Binary

DAY, DAYS = 24 * HOUR, 48 * HOUR


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
    for measured, expected, known in ((None, 2, 1), (day, 5, 2)):
        observation = observe(tiny.project, lake, now=tiny.now, state=state, package=package, day=measured)
        assert observation.rollout is not None
        assert observation.rollout.differing_cells == expected
        assert observation.read_measurements(began).height == known, "triggers see the day that was just measured"
        assert observation.read_measurements(tiny.now).is_empty()


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


def test_what_servers_count_of_the_challenger_ends_its_rollout_at_the_next_tick(tiny, lake, package, tmp_path):
    project = replace(tiny.project, root=tmp_path)
    counts = WorkerCounts()
    note_trial(counts.trials, 2, Trial(asked=200, failed=100))
    project.workers_path.mkdir(parents=True)
    keep_counts(counts_path(project.workers_path, 0), counts)
    began = tiny.now - 5 * HOUR
    state = RolloutState(champion=1, challenger=2, stage=DecisionKind.SHADOW, since=began, rollout_began=began)

    def decide_for(state: RolloutState, **changes: bool) -> Decision | None:
        observation = observe(project, lake, now=tiny.now, state=state, package=package, day=None, **changes)
        return decide(project, state, observation, by="loop")

    decision = decide_for(state)
    assert decision is not None
    assert (decision.what, decision.version, decision.rule) == (DecisionKind.ROLL_BACK, 2, "guardrails.max_errors")
    assert decision == decide_for(replace(state, is_paused=True)), "also while it is paused"
    asked = Decision(tiny.now, DecisionKind.RETRAIN, None, "asked", "", "me")
    assert decision == decide_for(replace(state, retraining=asked)), "also while a training is under way"
    assert decide_for(replace(state, challenger=3)) is None, "another version did it"
    assert decide_for(state, is_present=False) is None, "it was not so on an earlier day"


def test_in_a_watch_the_days_are_those_of_the_champion_before(tiny, lake, package):
    began = tiny.now - 30 * DAY
    for number in range(30):
        end = began + (number + 1) * DAY
        window = Window(end - DAY, end)
        MEASUREMENTS.append(lake, measure_gain(window, pl.Series([0.02 + 0.005 * (number % 3)] * 60)))
    state = RolloutState(champion=2, previous=(1,), last_retrain=tiny.now, watch=Watch(1, began, 40))
    observation = observe(tiny.project, lake, now=tiny.now, state=state, package=package, day=None)
    decision = decide(tiny.project, state, observation, by="loop")
    assert decision is not None
    assert (decision.what, decision.version, decision.rule) == (DecisionKind.ROLL_BACK, 1, "rollout.watch")
    short = replace(state, watch=Watch(1, tiny.now - 4 * DAY, 4))
    observation = observe(tiny.project, lake, now=tiny.now, state=short, package=package, day=None)
    decision = decide(tiny.project, short, observation, by="loop")
    assert decision is not None
    assert (decision.what, decision.version, decision.evidence["days"]) == (DecisionKind.CONFIRM, 2, 4)


@pytest.mark.parametrize(("rows", "challenger", "is_better"), [(50, 0.8, True), (49, 0.8, False), (50, 0.5, False)])
def test_the_challenger_is_known_to_be_better_once_enough_outcomes_show_it(rows, challenger, is_better):
    pairs = pl.DataFrame({"truth": [1.0] * rows, "champion": [0.6] * rows, "challenger": [challenger] * rows})
    assert RolloutEvidence(Binary(), pairs, NO_DAYS, 0).is_known_better() is is_better


def test_a_superseded_candidate_leaves_what_its_own_days_showed(tiny, lake):
    for number, gain in enumerate([0.5, 0.5, 0.1, 0.2]):
        end = tiny.now - (3 - number) * DAY
        MEASUREMENTS.append(lake, measure_gain(Window(end - DAY, end), pl.Series([gain] * 60)))
    since = tiny.now - 2 * DAY
    state = RolloutState(
        champion=1, challenger=4, stage=DecisionKind.SHADOW, since=since, rollout_began=since - 2 * DAY
    )
    shown, words = show_superseded(
        tiny.project, state, read_measurements=partial(measurements_since, lake), task=Binary()
    )
    assert (shown["version"], shown["days"], shown["since"]) == (4, 2, since.isoformat())
    assert shown["gain"] == pytest.approx(0.15)
    assert words.startswith("it takes the place of version 4 in shadow, which showed: log loss 0.1500 a day better")
