"""A tick in one process, on the small project: one more gate, trigger and detector, each added to its list."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from pages import free_port
from slow import mostly_slow

from mlops_lab.alerts import delivery
from mlops_lab.alerts.channels.post import SENT, PostResult
from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.alerts.events import read_events
from mlops_lab.alerts.states import AlertState, read_statuses
from mlops_lab.clock import day_of, days_before
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.gates import run as gates
from mlops_lab.gates.base import Gate, GateVerdict
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop import days as missed_days
from mlops_lab.loop import decide as deciding
from mlops_lab.loop import measure_day
from mlops_lab.loop import retrain as retraining
from mlops_lab.loop.days import unmeasured_times
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.triggers import run as triggers
from mlops_lab.loop.triggers.base import FiredTrigger, Trigger
from mlops_lab.monitoring.detectors import run as detectors
from mlops_lab.monitoring.detectors.base import Detector
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.window import Window, whole_days
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import LINEAGE_FILE, PROFILE_FILE, package_fingerprint
from mlops_lab.rollout.decision_log import read_decisions, write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.rollout.signing import create_signing_key
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.status.describe import describe
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import MOMENT, Table

NEW_YORK = "America/New_York"
REFUSING = Gate(
    "refusing", lambda gate_input: GateVerdict("refusing", False, "nothing is ever good enough", {"x": 1.0})
)
ALWAYS = Trigger(
    "triggers.always",
    lambda trigger_input: FiredTrigger("triggers.always", "it is always time to train", {"y": 2.0}),
    lambda project, last_training: None,
)
ROWS = Detector("rows", lambda profile, column: float(len(column)), unchanged=lambda profile: 0.0)


LIVE_DAYS = 4
"""How long version 1 is live: a tick measures each of the days."""


def live_since(tiny) -> datetime:
    return days_before(day_of(tiny.now, NEW_YORK), LIVE_DAYS, NEW_YORK)


@pytest.fixture
def live(tiny, tmp_path: Path) -> Project:
    """The small project with its model live as version 1, for some days."""
    root = Path(shutil.copytree(tiny.project.root, tmp_path / "project"))
    package = root / "package"
    (package / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    (package / LINEAGE_FILE).write_bytes(msgspec.json.encode({"cutoff": tiny.training.cutoff.isoformat()}))
    evidence = {"package": "package", "fingerprint": package_fingerprint(package)}
    project = load_project(root)
    bootstrap = Decision(live_since(tiny), DecisionKind.BOOTSTRAP, 1, "gates", "good", "test", evidence)
    assert write_decision(Lake(project.lake_path), bootstrap, earlier=0)
    return project


def predict_last_day(tiny, lake: Lake, *, items: float) -> int:
    """Write a prediction for each held-out order, all with this value of a feature; how many fall on the last day."""
    orders, inputs = tiny.training.holdout, tiny.training.holdout_inputs
    computed = [name for name in inputs.columns if name not in orders.columns]
    predictions = pl.concat([orders, inputs.select(computed)], how="horizontal").select(
        pl.col("_fact_id").alias("id"),
        pl.col("asked_at").alias("at"),
        *("asked_at", "customer", "shop", "amount", "express"),
        *computed,
        version=pl.lit(1, pl.Int64),
        role=pl.lit("champion"),
        output=tiny.predictor.score(inputs.with_columns(items=pl.lit(items))),
        shadow_version=pl.lit(None, pl.Int64),
        missing=pl.lit(None, pl.String),
    )
    PREDICTIONS.append(lake, predictions.with_columns(items=pl.lit(items)))
    end = day_of(tiny.now, NEW_YORK)
    return predictions.filter(pl.col("at") >= days_before(end, 1, NEW_YORK), pl.col("at") < end).height


def test_a_tick_that_has_nothing_to_do_deploys_what_was_decided(live, tiny):
    loop = Loop(live)
    assert loop.tick(live_since(tiny)) == []
    assert read_routing_table(live.deployment_path).champion.version == 1


def test_one_more_of_everything_takes_part_in_a_tick(live, tiny, monkeypatch):
    for module, name, more in ((gates, "GATES", REFUSING), (detectors, "DETECTORS", ROWS)):
        monkeypatch.setattr(module, name, (*getattr(module, name), more))
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS, *triggers.TRIGGERS))
    stages: list[str] = []
    loop = Loop(live, report=stages.append)
    predictions = predict_last_day(tiny, loop.lake, items=-1.0)
    retrain, refuse = loop.tick(tiny.now)
    assert (retrain.at, retrain.what, retrain.rule) == (tiny.now, DecisionKind.RETRAIN, "triggers.always")
    assert retrain.evidence["y"] == 2.0
    assert refuse.what is DecisionKind.REFUSE
    assert refuse.evidence["gates"][-1] == {
        "gate": "refusing",
        "passed": False,
        "reason": "nothing is ever good enough",
        "evidence": {"x": 1.0},
    }
    assert "nothing is ever good enough" in refuse.reason
    rows = loop.lake.read("measurements").filter(pl.col("monitor") == "rows")
    rows = rows.filter(pl.col("at") == day_of(tiny.now, NEW_YORK))
    assert rows["name"].to_list() == tiny.training.inputs.columns
    assert rows["value"].unique().to_list() == [predictions]
    assert "items" in {alert.about for alert in read_alerts(loop.lake)}
    days = len(days_of(loop))
    assert stages[:3] == ["ingest", f"measure (day 1 of {days})", f"measure (day 2 of {days})"]
    assert Loop(live).tick(day_of(tiny.now, NEW_YORK)) == [], "the same day again changes nothing"


@pytest.fixture
def told(live, monkeypatch) -> tuple[Project, list[tuple[str, DecisionKind]]]:
    """The small project with a channel; the texts that were posted, and the last decision by then."""
    with (live.root / "mlops.toml").open("a") as file:
        file.write('\n[alerts.channels]\nops = "env:OPS"\n')
    posted: list[tuple[str, DecisionKind]] = []

    def post_all(posts, *, timeout_seconds: float):
        decided = read_decisions(Lake(live.lake_path))[-1].what
        posted.extend((post.text, decided) for post in posts.values())
        return {name: PostResult(SENT, "", 0.1) for name in posts}

    monkeypatch.setattr(delivery, "post_all", post_all)
    return load_project(live.root), posted


def test_alerts_of_a_tick_are_one_message_after_it_decided_and_a_training_that_fails_does_not_stop_it(
    told, tiny, monkeypatch
):
    project, posted = told
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(Loop, "_finish_retraining", lambda *_, **__: 1 / 0)
    loop = Loop(project)
    predict_last_day(tiny, loop.lake, items=-1.0)
    with pytest.raises(ZeroDivisionError):
        loop.tick(tiny.now)
    ((text, decided),) = posted
    assert decided is DecisionKind.RETRAIN, "the decision was written before"
    assert "[parity]" in text
    with pytest.raises(ZeroDivisionError):
        Loop(project).tick(tiny.now)
    assert len(posted) == 1, "a tick that is repeated sends nothing twice"


def test_an_alert_ends_with_the_first_measured_day_that_does_not_raise_it(told, tiny, monkeypatch):
    wait_with_training(monkeypatch)
    project, posted = told
    loop = Loop(project)
    predict_last_day(tiny, loop.lake, items=-1.0)
    loop.tick(tiny.now)
    raised = [status for status in read_statuses(project, loop.lake, now=tiny.now) if status.last.rule == "parity"]
    assert {status.state for status in raised} == {AlertState.OPEN}
    loop.tick(tiny.now + timedelta(days=1))
    later = read_statuses(project, loop.lake, now=tiny.now + timedelta(days=1))
    assert {status.state for status in later if status.last.rule == "parity"} == {AlertState.RESOLVED}
    assert {event.by for event in read_events(loop.lake)} == {"loop"}
    assert len(posted) == 1


def test_what_a_tick_found_is_told_although_it_failed(told, tiny, monkeypatch):
    project, posted = told
    loop = Loop(project)
    predict_last_day(tiny, loop.lake, items=-1.0)
    wait_with_training(monkeypatch)
    monkeypatch.setattr(Loop, "follow", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        loop.tick(tiny.now)
    assert len(posted) == 1
    assert "mlops features verify" in posted[0][0]


def test_an_alias_that_cannot_be_set_does_not_stop_the_loop_and_is_set_later(live, tiny, monkeypatch):
    wait_with_training(monkeypatch)
    loop, named, broken = Loop(live), list[int](), [True]
    evidence = loop.decisions[0].evidence
    loop.record(Decision(live_since(tiny), DecisionKind.PROMOTE, 2, "rollout", "better", "test", evidence))

    class Registry:
        def __init__(self, path: Path, *, name: str) -> None:
            pass

        def set_stage(self, alias: str, number: int) -> None:
            if broken[0]:
                raise EnvironmentFault("the database is locked", code="mlflow", hint="try again")
            named.append(number)

    monkeypatch.setattr("mlops_lab.registry.store.open_registry.ModelRegistry", Registry)
    for _ in range(2):
        loop.tick(live_since(tiny))
    assert [(alert.rule, "locked" in alert.what) for alert in read_alerts(loop.lake)] == [("alias", True)]
    assert ["locked" in text for text in loop.waiting] == [True], "it is told"
    broken[0] = False
    for _ in range(2):
        loop.tick(live_since(tiny))
    assert named == [2], "once"
    assert loop.waiting == []


def test_a_training_waits_for_the_tracking_server_before_any_work(live, tiny, monkeypatch):
    project = load_project(live.root, flags=[f"tracking.uri=http://127.0.0.1:{free_port()}"])
    monkeypatch.setattr(retraining, "prepare_candidate", lambda *_, **__: pytest.fail("the work would be for nothing"))
    loop = Loop(project)
    decision = Decision(tiny.training.cutoff, DecisionKind.RETRAIN, None, "triggers.always", "due", "test")
    loop.record(decision)
    for _ in range(2):
        assert loop.tick(tiny.training.cutoff) == []
        (waits,) = loop.waiting
        assert waits.startswith("a training waits: the tracking server does not answer")
    assert loop.state.retraining is not None
    assert read_routing_table(project.deployment_path).champion.version == 1, "the tick went on"
    assert [alert.rule for alert in read_alerts(loop.lake)] == ["tracking"], "once a day"
    with pytest.raises(EnvironmentFault, match="does not answer"):
        loop.run(tiny.now, by="test")


def test_versions_of_a_server_need_it(live, tiny):
    evidence = {"package": ".mlops/packages/run/artifacts/model", "fingerprint": "a" * 64}
    loop = Loop(live)
    loop.record(Decision(tiny.training.cutoff, DecisionKind.REFUSE, 2, "gates", "bad", "test", evidence))
    with pytest.raises(EnvironmentFault, match="version 2 is registered at a tracking server") as caught:
        retraining.open_own_registry(live, loop.decisions)
    assert (caught.value.code, caught.value.where) == ("tracking_fault", "mlops.toml")


def test_a_live_version_whose_package_is_gone_raises_one_alert_a_day(live, tiny, monkeypatch):
    wait_with_training(monkeypatch)
    loop = Loop(live)
    shutil.copytree(live.root / "package", live.root / "other")
    evidence = {**loop.decisions[0].evidence, "package": "other"}
    loop.record(Decision(live_since(tiny), DecisionKind.SHADOW, 2, "gates", "good", "test", evidence))
    shutil.move(live.root / "other", live.root / "away")
    for _ in range(2):
        Loop(live).tick(live_since(tiny))
    (alert,) = read_alerts(loop.lake)
    assert (alert.rule, alert.where) == ("package", "version 2")
    shutil.move(live.root / "away", live.root / "other")
    loop.tick(live_since(tiny) + timedelta(days=1))
    assert len(read_alerts(loop.lake)) == 1


def test_a_champion_that_is_not_as_it_was_signed_fails_the_tick_and_is_an_alert(live, tiny, monkeypatch):
    wait_with_training(monkeypatch)
    loop = Loop(live)
    create_signing_key(live, loop.decisions, name=None, algorithm="p256")
    loop.tick(live_since(tiny))
    (live.root / "package" / "more").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(EnvironmentFault, match="not part of the package"):
            Loop(live).tick(live_since(tiny))
    (alert,) = read_alerts(loop.lake)
    assert (alert.rule, alert.where) == ("package", "version 1")
    assert "is not part of the package that was signed" in alert.what
    (live.root / "package" / "more").unlink()
    assert Loop(live).tick(live_since(tiny)) == []


def test_rows_of_a_load_that_was_killed_reach_servers_with_the_next_tick(live, tiny, monkeypatch):
    wait_with_training(monkeypatch)
    Loop(live).tick(live_since(tiny))
    before = read_routing_table(live.deployment_path).state
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):

        def killed(*_: object, **named: object) -> bool:
            raise KeyboardInterrupt

        patched.setattr("mlops_lab.loop.tick.load_sources", killed)
        Loop(live).load(live_since(tiny))
    Loop(live).tick(live_since(tiny))
    after = read_routing_table(live.deployment_path).state
    assert after != before
    Loop(live).tick(live_since(tiny))
    assert read_routing_table(live.deployment_path).state == after


@pytest.fixture
def few_days(monkeypatch) -> int:
    """One tick measures no more days than these."""
    monkeypatch.setattr(missed_days, "MAX_DAYS", 5)
    return 5


def days_of(loop: Loop) -> list[datetime]:
    return loop.lake.read("measurements")["at"].unique().sort().to_list()


def wait_with_training(monkeypatch) -> None:
    """No trigger fires."""
    monkeypatch.setattr(deciding, "find_trigger", lambda trigger_input: None)


def test_missed_days_are_measured_as_if_there_had_been_a_tick_on_each(live, tiny, tmp_path, monkeypatch):
    wait_with_training(monkeypatch)
    other = load_project(Path(shutil.copytree(live.root, tmp_path / "other")))
    daily, late = Loop(other), Loop(live)
    for loop in (daily, late):
        predict_last_day(tiny, loop.lake, items=0.0)
    end = day_of(tiny.now, NEW_YORK)
    midnights = list(whole_days(live_since(tiny), end, NEW_YORK))
    for window in midnights:
        daily.tick(window.end)
    late.tick(end)
    assert late.measured == midnights
    assert days_of(late) == [window.end for window in midnights]
    rows = [loop.lake.read("measurements").sort(pl.all()).rows() for loop in (daily, late)]
    assert rows[0] == rows[1]
    assert read_alerts(daily.lake) == read_alerts(late.lake)
    assert unmeasured_times(late.lake) == []


def test_a_day_that_cannot_be_measured_is_listed_and_the_next_one_is_measured(live, tiny, monkeypatch):
    wait_with_training(monkeypatch)
    loop = Loop(live)
    end = day_of(tiny.now, NEW_YORK)
    bad_day = days_before(end, 3, NEW_YORK)
    measure = measure_day.measure_window

    def fail_on_a_day(project, lake, window, **named):
        if window.end == bad_day:
            raise KeyError("a column")
        return measure(project, lake, window, **named)

    monkeypatch.setattr(measure_day, "measure_window", fail_on_a_day)
    loop.tick(tiny.now)
    rows = loop.lake.read("measurements")
    on_bad_day = set(rows.filter(pl.col("at") == bad_day)["monitor"])
    assert on_bad_day == {"unmeasured", "parity", "contract_breaches", "deliveries"}, "what can be measured is measured"
    assert rows["at"].max() == end
    (unmeasured,) = unmeasured_times(loop.lake)
    assert unmeasured.window.end == bad_day
    assert unmeasured.reason == "volume, quality and drift: KeyError: 'a column'"
    (alert,) = read_alerts(loop.lake)
    assert (alert.at, alert.rule, alert.what) == (bad_day, "unmeasured", f"not measured: {unmeasured.reason}")
    status = describe(live)
    assert [item.reason for item in status.unmeasured] == [unmeasured.reason]
    assert status.days_to_measure == 0


def test_one_tick_measures_a_bounded_number_of_days_and_says_which_it_gave_up(live, tiny, few_days, monkeypatch):
    wait_with_training(monkeypatch)
    loop = Loop(live)
    year_later = day_of(tiny.now + timedelta(days=365), NEW_YORK)
    loop.tick(year_later)
    first = live_since(tiny)
    given_up = Window(first, days_before(year_later, few_days, NEW_YORK))
    assert [item.window for item in unmeasured_times(loop.lake)] == [given_up]
    assert len(days_of(loop)) == 1 + few_days
    (alert,) = read_alerts(loop.lake)
    assert (alert.at, alert.rule) == (given_up.end, "unmeasured")
    loop.tick(year_later + timedelta(hours=5))
    assert len(days_of(loop)) == 1 + few_days


def test_after_a_leap_of_the_clock_nothing_is_decided_until_the_next_day(live, tiny, few_days, monkeypatch):
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(gates, "GATES", (REFUSING,))
    year_later, loop = tiny.now + timedelta(days=365), Loop(live)
    assert loop.tick(year_later) == []
    assert [decision.what for decision in loop.tick(year_later + timedelta(days=1))] == [
        DecisionKind.RETRAIN,
        DecisionKind.REFUSE,
    ], "the clock is right: time has passed"


def test_where_ticks_are_rare_the_second_one_decides(live, tiny, few_days, monkeypatch):
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(gates, "GATES", (REFUSING,))
    loop = Loop(live)
    made = [loop.tick(tiny.now + timedelta(days=90 * number)) for number in (1, 2, 3)]
    assert made[0] == []
    assert all(DecisionKind.REFUSE in [decision.what for decision in decisions] for decisions in made[1:])


def test_where_the_leap_was_a_wrong_clock_it_is_told_and_nothing_was_decided_by_it(live, tiny, few_days, monkeypatch):
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(gates, "GATES", (REFUSING,))
    loop = Loop(live)
    assert loop.tick(tiny.now + timedelta(days=365)) == []
    clock, *later = loop.tick(tiny.now)
    assert (clock.what, clock.at) == (DecisionKind.CLOCK, tiny.now)
    assert [decision.what for decision in later] == [DecisionKind.RETRAIN, DecisionKind.REFUSE]
    assert later[0].at == tiny.now


def test_a_training_that_fails_loses_no_measurement(live, tiny, monkeypatch):
    def fail(*arguments, **named):
        raise EnvironmentFault("the disk is full", code="disk_full")

    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(retraining, "retrain", fail)
    loop = Loop(live)
    for _ in range(2):
        with pytest.raises(EnvironmentFault):
            loop.tick(tiny.now)
    assert days_of(loop)[-1] == day_of(tiny.now, NEW_YORK)
    assert [decision.what for decision in loop.decisions] == [DecisionKind.BOOTSTRAP, DecisionKind.RETRAIN]
    with pytest.raises(EnvironmentFault):
        loop.tick(tiny.now + timedelta(days=1))
    assert days_of(loop)[-1] == day_of(tiny.now + timedelta(days=1), NEW_YORK)


def test_a_tick_killed_between_its_decision_and_the_measurements_decides_once(live, tiny, monkeypatch):
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(gates, "GATES", (REFUSING,))
    append = Table.append

    def killed(table: Table, *arguments, **named):
        if table.name == "measurements":
            raise KeyboardInterrupt
        return append(table, *arguments, **named)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Table, "append", killed)
        Loop(live).tick(tiny.now)
    loop = Loop(live)
    assert [decision.what for decision in loop.decisions] == [DecisionKind.BOOTSTRAP, DecisionKind.RETRAIN]
    assert not loop.lake.exists("measurements")
    assert [decision.what for decision in loop.tick(tiny.now)] == [DecisionKind.REFUSE]
    assert days_of(loop)[-1] == day_of(tiny.now, NEW_YORK)


def test_many_missed_days_start_one_training_as_of_now(live, tiny, monkeypatch):
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    monkeypatch.setattr(gates, "GATES", (REFUSING,))
    loop = Loop(live)
    retrain, refuse = loop.tick(tiny.now)
    first_day = days_of(loop)[0]
    assert (retrain.at, refuse.at) == (tiny.now, tiny.now), "decided when it takes effect"
    assert retrain.evidence["due"] == first_day.isoformat()
    assert retrain.reason.endswith(", when no tick ran")


def damage(lake: Lake, kind: str) -> str:
    """Damage a table in one of several ways; what an alert must name."""
    table, _, rest = kind.partition(" ")
    path = lake.table_path(table)
    if rest in {"file", "bytes"}:
        file = next(path.glob("*.parquet"))
        size = file.stat().st_size
        file.unlink()
        if rest == "bytes":
            file.write_bytes(b"\0" * size)
        return file.name
    pl.read_delta(str(path)).drop(rest).write_delta(
        str(path), mode="overwrite", delta_write_options={"schema_mode": "overwrite"}
    )
    return f"column {rest}"


@pytest.mark.parametrize(
    "kind",
    mostly_slow(
        [
            *("predictions file", "outcomes file", "stock file", "orders file"),
            *("predictions bytes", "outcomes bytes", "stock bytes", "orders bytes"),
            *("predictions id", "predictions at", "predictions version", "predictions role", "predictions output"),
            *("predictions shop", "predictions items", "outcomes known_at", "outcomes late", "outcomes verdict"),
            *("outcomes output", "stock items", "orders minutes"),
        ],
        quick=["predictions file", "outcomes bytes", "outcomes late"],
    ),
)
def test_a_damaged_table_is_an_alert_that_names_it_and_the_tick_goes_on(live, tiny, kind):
    loop = Loop(live)
    predict_last_day(tiny, loop.lake, items=0.0)
    submit_outcomes(tiny, loop.lake)
    ingest_journal(live, loop.lake)
    loop.act()  # servers have what they start from
    place = damage(loop.lake, kind)
    loop = Loop(live)
    loop.tick(tiny.now)
    alerts = read_alerts(loop.lake)
    assert any(place in alert.where and alert.where.startswith(f"table {kind.split()[0]}") for alert in alerts)
    assert loop.lake.read("measurements")["at"].max() == day_of(tiny.now, NEW_YORK)


def submit_outcomes(tiny, lake: Lake) -> None:
    """The outcomes of the held-out orders."""
    orders = tiny.training.holdout.select(
        pl.col("_fact_id").alias("id"),
        pl.col("asked_at").alias("predicted_at"),
        *("known_at", "late", "minutes", "asked_at", "customer", "shop", "amount", "express"),
        received_at=pl.lit(None, MOMENT),
        verdict=pl.lit("accepted"),
        version=pl.lit(1, pl.Int64),
        role=pl.lit("champion"),
        output=pl.lit(0.5),
        shadow_version=pl.lit(None, pl.Int64),
        shadow_output=pl.lit(None, pl.Float64),
    )
    OUTCOMES.append(lake, orders.select(list(OUTCOMES.schema(tiny.project))))


def test_a_version_whose_package_is_gone_is_not_verified_and_named(live, tiny):
    loop = Loop(live)
    predict_last_day(tiny, loop.lake, items=0.0)
    predictions = PREDICTIONS.read(loop.lake).head(0)
    PREDICTIONS.append(loop.lake, one_of_version(tiny, 7, predictions))
    loop.tick(tiny.now)
    (alert,) = [alert for alert in read_alerts(loop.lake) if alert.rule == "unverified"]
    assert alert.what == "1 predictions were not verified: version 7 is not recorded"


def one_of_version(tiny, version: int, like: pl.DataFrame) -> pl.DataFrame:
    """A prediction of the last day, of some version."""
    at = days_before(day_of(tiny.now, NEW_YORK), 1, NEW_YORK)
    row = {"id": "x", "at": at, "asked_at": at, "shop": "a", "express": True, "version": version, "role": "champion"}
    return pl.DataFrame([row], schema=like.schema)


def test_a_run_that_cannot_be_trained_decides_nothing(live, tiny):
    pipeline = live.root / "pipeline.py"
    text = pipeline.read_text()
    pipeline.write_text(text.replace('"per_item"]', '"per_item", "nothing"]'))
    loop = Loop(live)
    with pytest.raises(InvalidInput, match="nothing"):
        loop.run(tiny.now, by="test")
    assert Loop(live).state.retraining is None
    assert len(loop.decisions) == 1


def test_a_training_whose_data_breaks_the_contract_is_refused_and_the_loop_goes_on(live, tiny, monkeypatch):
    config = live.root / "mlops.toml"
    text = config.read_text()
    config.write_text(text.replace('amount = "float?"', 'amount = { type = "float?", max = 50 }'))
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS,))
    loop = Loop(load_project(live.root))
    retrain, refuse = loop.tick(tiny.now)
    assert (retrain.what, refuse.what, refuse.rule) == (DecisionKind.RETRAIN, DecisionKind.REFUSE, "contract_breach")
    assert refuse.reason.startswith("the training data breaks its contract: ")
    assert "fix the data, or the contract in mlops.toml" in refuse.reason
    assert loop.state.retraining is None
    assert loop.state.champion == 1


def test_a_trigger_that_is_refused_is_told_once_and_trains_nothing(live, tiny, monkeypatch):
    config = live.root / "mlops.toml"
    config.write_text(config.read_text() + "\n[triggers]\nmin_new_labels = 1000000\n")
    monkeypatch.setattr(triggers, "TRIGGERS", (ALWAYS, *triggers.TRIGGERS))
    loop = Loop(load_project(live.root))
    (refuse,) = loop.tick(tiny.now)
    assert (refuse.what, refuse.rule, refuse.version) == (DecisionKind.REFUSE, "triggers.min_new_labels", None)
    assert refuse.reason.startswith("no training, although it is always time to train: ")
    assert loop.tick(tiny.now + timedelta(days=1)) == []
    assert "no training, although" in describe(load_project(live.root)).last_decision.reason


def test_the_first_load_that_tells_what_now_is_is_not_made_again(tiny, write_project, tmp_path):
    """As long as the files are those; what would be read otherwise is no data here."""
    shutil.copytree(tiny.project.root / "data", tmp_path / "data")
    loop, orders = Loop(write_project(tmp_path)), tmp_path / "data" / "orders.parquet"
    now, stamp = loop.now(), orders.stat()
    orders.write_bytes(b"x" * stamp.st_size)
    os.utime(orders, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    loop.load(now)
    with pytest.raises(InvalidInput):
        loop.load(now)


def test_a_file_that_changes_after_the_first_load_is_loaded(tiny, write_project, tmp_path):
    shutil.copytree(tiny.project.root / "data", tmp_path / "data")
    loop, orders = Loop(write_project(tmp_path)), tmp_path / "data" / "orders.parquet"
    now, rows = loop.now(), pl.read_parquet(orders)
    rows.vstack(rows[-1:].with_columns(order_id=pl.lit("one more"))).write_parquet(orders)
    loop.load(now)
    assert loop.lake.read("orders").height == rows.height + 1
