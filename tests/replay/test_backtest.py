"""Policies over past days: the labels known then decide, all labels measure, and nothing is written."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest

from mlops_lab.clock import EPOCH
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.ids import hash_bytes
from mlops_lab.intake.sources import load_sources
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.quality import log_loss
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import LINEAGE_FILE, PROFILE_FILE, package_fingerprint
from mlops_lab.registry.signing.sign import ensure_key, sign_package
from mlops_lab.replay.backtest import BacktestResult, PolicyResult, run_backtest
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.open_lake import open_lake

FIRST, LAST = date(2013, 3, 8), date(2013, 3, 19)
EVERY_TRIGGER = "triggers.every_days=4,triggers.cooldown_days=2,backtest.days=5,backtest.min_days=3"


def contents(folder: Path) -> dict[str, str]:
    """Every file of the project but the compiled code, by its content."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)): hash_bytes([path.read_bytes()]) for path in files}


def compare(project: Project, *policies: str, first: date = FIRST, last: date = LAST) -> BacktestResult:
    return run_backtest(project, first=first, last=last, policies=policies, report=lambda stage: None)


@pytest.fixture(scope="module")
def live(tiny, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small project, which signs, with its model live as version 1 since its training data ended. Read only."""
    root = Path(shutil.copytree(tiny.project.root, tmp_path_factory.mktemp("backtest") / "project"))
    package = root / "package"
    (package / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    (package / LINEAGE_FILE).write_bytes(msgspec.json.encode({"cutoff": tiny.training.cutoff.isoformat()}))
    sign_package(package, ensure_key(root / ".mlops"), home=root / ".mlops")
    evidence = {"package": "package", "fingerprint": package_fingerprint(package)}
    first = Decision(tiny.training.cutoff, DecisionKind.BOOTSTRAP, 1, "gates", "the first", "me", evidence)
    project = load_project(root)
    write_decision(open_lake(project), first, earlier=0)
    return project


@pytest.fixture(scope="module")
def compared(live: Project) -> tuple[BacktestResult, bool]:
    """Four policies side by side, and whether the project is the same as before."""
    before = contents(live.root)
    result = compare(live, "frozen", "version 1", "every 5 days", EVERY_TRIGGER)
    return result, contents(live.root) == before


def test_nothing_is_written_into_the_project(compared):
    assert compared[1], "lake, registry and decisions are those of before"


def test_every_policy_begins_with_what_was_live_and_counts_the_same_requests(compared):
    result = compared[0]
    assert [policy.version for policy in result.policies] == [1, 1, 1, 1]
    assert {policy.total.requests for policy in result.policies} == {result.requests}
    assert result.span == (str(FIRST), str(LAST))
    assert {month.month for month in result.policies[0].months} == {"2013-03"}


def test_the_frozen_policy_answers_as_the_version_does(tiny, compared):
    """Computed a second time: the package's answers to the held-out rows of these days."""
    rows, inputs = tiny.training.holdout, tiny.training.holdout_inputs
    days = rows["asked_at"].dt.convert_time_zone("America/New_York").dt.date()
    asked = (days >= FIRST) & (days <= LAST)
    expected = log_loss(tiny.training.holdout_truth.filter(asked), tiny.predictor.score(inputs.filter(asked)))
    frozen, version = compared[0].policies[:2]
    assert compared[0].requests == int(asked.sum())
    assert frozen.total.measures["log_loss"] == pytest.approx(expected, abs=1e-12)
    assert version.total.measures == frozen.total.measures
    assert (frozen.decisions, version.decisions) == ([], [])
    assert (version.gain, version.p_value) == (0.0, 1.0)


def test_the_blind_policy_trains_and_promotes_on_its_days(compared):
    blind = compared[0].policies[2]
    assert (blind.total.trainings, blind.total.promotions) == (2, 2)
    assert [row.what for row in blind.decisions] == ["retrain", "promote"] * 2
    assert [row.at[:10] for row in blind.decisions[::2]] == ["2013-03-12", "2013-03-17"]


def test_the_loops_own_rules_decide_and_say_why(compared):
    loop = compared[0].policies[3]
    assert loop.total.trainings >= 2
    assert loop.decisions[0].what == "retrain"
    assert loop.decisions[0].reason == "the last training was 4 days ago"
    assert {row.what for row in loop.decisions} <= {"retrain", "refuse", "shadow", "canary", "promote", "roll_back"}
    assert all(row.reason for row in loop.decisions)


def decisions_of(policy: PolicyResult, until: str) -> list[tuple[str, str, str]]:
    return [(row.at, row.what, row.reason) for row in policy.decisions if row.at < until]


def test_labels_that_became_known_later_change_no_decision(tiny, live, compared, tmp_path):
    """The same past, but for labels that became known after a day: up to that day everything is decided alike."""
    root = Path(shutil.copytree(live.root, tmp_path / "other"))
    shutil.rmtree(root / ".mlops/lake/orders")
    orders = pl.read_parquet(root / "data/orders.parquet")
    known_until = tiny.now - timedelta(days=6)
    late = pl.when(pl.col("known_at") > known_until).then(~pl.col("late")).otherwise("late").alias("late")
    orders.with_columns(late).write_parquet(root / "data/orders.parquet")
    project = load_project(root)
    load_sources(project, open_lake(project), now=EPOCH, received_at=EPOCH)
    other = compare(project, EVERY_TRIGGER).policies[0]
    until = known_until.isoformat()
    before, after = decisions_of(compared[0].policies[3], until), decisions_of(other, until)
    assert before == after
    assert len(before) >= 2
    assert other.total.measures != compared[0].policies[3].total.measures, "all labels measure"


def test_where_nothing_was_live_a_first_version_is_trained(tiny):
    before = contents(tiny.project.root / ".mlops")
    result = compare(tiny.project, "frozen", first=date(2013, 3, 15))
    (policy,) = result.policies
    assert [row.what for row in policy.decisions] == ["retrain", "bootstrap"]
    assert (policy.version, policy.total.trainings) == (1, 1)
    assert contents(tiny.project.root / ".mlops") == before


@pytest.mark.parametrize(
    ("first", "last", "policy", "code", "what"),
    [
        (LAST, FIRST, "own", "bad_span", "2013-03-19 is after 2013-03-08"),
        (FIRST, date(2013, 12, 31), "own", "bad_span", "2013-12-31 is not over"),
        (date(2012, 1, 1), date(2012, 1, 31), "own", "no_requests", "has a known outcome"),
        (date(2013, 3, 1), LAST, "version 1", "has_learned", "it knows the answers"),
    ],
)
def test_a_span_or_a_policy_that_makes_no_sense_is_refused(live, first, last, policy, code, what):
    with pytest.raises(InvalidInput, match=what) as refused:
        compare(live, policy, first=first, last=last)
    assert refused.value.code == code
    assert refused.value.hint


def test_an_unknown_version_is_refused(live):
    with pytest.raises(NotFound, match="version 9 is not recorded"):
        compare(live, "version 9")


def test_by_default_the_last_days_that_are_over_are_compared(live):
    result = run_backtest(live, first=date(2013, 3, 18), last=None, policies=[], report=lambda stage: None)
    assert [policy.policy for policy in result.policies] == ["own", "frozen"]
    assert result.span[0] == "2013-03-18"
