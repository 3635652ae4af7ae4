"""What every trigger in `loop.triggers.run.TRIGGERS` must keep. A failure here says what a new trigger lacks."""

import math
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples
from trigger_days import RECORD, watching

from mlops_lab.clock import days_after
from mlops_lab.loop.triggers import run
from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput, TriggerWait
from mlops_lab.loop.triggers.run import TRIGGERS, find_trigger, next_retraining
from mlops_lab.project import Project
from mlops_lab.tables.declared import MEASUREMENTS

every_trigger = pytest.mark.parametrize("trigger", TRIGGERS, ids=[trigger.rule for trigger in TRIGGERS])
DAY = timedelta(days=1)


def measurements_of(days: int, gap: float, outcomes: float, *, until: datetime) -> pl.DataFrame:
    """The calibration and the number of outcomes of each of the days before `until`."""
    rows = []
    for day in range(days):
        at = until - day * DAY
        rows.append((at, 24.0, "volume", "outcomes", 1, outcomes, "champion", at))
        rows.append((at, 24.0, "calibration", "", 1, gap, "champion", at))
        rows.append((at, 24.0, "quality", "log_loss", 1, gap, "champion", at))
        rows.append((at, 24.0, "volume", "predictions", 1, outcomes, "champion", at))
        rows.append((at, 24.0, "drift", "amount", 1, gap, None, at))
    return pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row")


def make_input(tiny, *, days_ago: float | None, measurements: pl.DataFrame | None = None) -> TriggerInput:
    """What triggers see at the end of the small project's data, the last training being so many days ago."""
    now = tiny.now
    table = NO_MEASUREMENTS if measurements is None else measurements
    return TriggerInput(
        watching(tiny.project),
        now,
        None if days_ago is None else now - days_ago * DAY,
        read_measurements=lambda since: table.filter(pl.col("at") > since),
        champion=1,
        record=RECORD,
        count_new_labels=lambda since: max(0, (now - since) // DAY),
    )


NO_MEASUREMENTS = pl.DataFrame(schema=MEASUREMENTS.fixed_schema)
inputs = st.builds(
    dict,
    days_ago=st.none() | st.floats(0, 400),
    days=st.integers(0, 10),
    gap=st.floats(-1, 1) | st.just(math.nan),
    outcomes=st.sampled_from([0.0, 10.0, 1000.0]),
)


def draw_input(tiny, drawn: dict) -> TriggerInput:
    table = measurements_of(drawn["days"], drawn["gap"], drawn["outcomes"], until=tiny.now)
    return make_input(tiny, days_ago=drawn["days_ago"], measurements=table)


def test_rules_are_unique():
    rules = [trigger.rule for trigger in TRIGGERS]
    assert len(set(rules)) == len(rules), "the rule is written into the decision: two triggers must not share it"
    assert all(rule.startswith("triggers.") for rule in rules), "name the rule triggers.NAME, as its key in mlops.toml"


@every_trigger
@examples(50)
@given(drawn=inputs)
def test_a_trigger_is_a_pure_function_that_says_why(tiny, trigger: Trigger, drawn: dict):
    trigger_input = draw_input(tiny, drawn)
    fired = trigger.check(trigger_input)
    assert fired == trigger.check(trigger_input), "the same input must give the same result: no clock, no randomness"
    if fired is not None:
        assert isinstance(fired, FiredTrigger)
        assert fired.rule == trigger.rule, "what fires must carry the rule of the Trigger record"
        assert len(fired.reason.split()) >= 3, f"a reason in words, not {fired.reason!r}"
        assert all(type(value) is float and math.isfinite(value) for value in fired.evidence.values())


@every_trigger
@examples(50)
@given(drawn=inputs)
def test_a_trigger_never_fires_before_the_moment_it_waits_for(tiny, trigger: Trigger, drawn: dict):
    trigger_input = draw_input(tiny, drawn)
    last = trigger_input.last_training
    if last is None:
        return
    wait = trigger.wait(watching(tiny.project), last)
    fired = trigger.check(trigger_input)
    if wait is None:
        assert fired is None, "a trigger whose `wait` is None never fires after a training"
    elif trigger_input.now < wait.until:
        assert fired is None, "it fired before the moment that `wait` announces"
    elif wait.condition is None:
        assert fired is not None, "without a condition it must fire at the moment that `wait` announces"


@every_trigger
def test_a_trigger_announces_what_it_waits_for(tiny, trigger: Trigger):
    last = tiny.now
    wait = trigger.wait(watching(tiny.project), last)
    if wait is None:
        return
    assert isinstance(wait, TriggerWait)
    assert wait.until >= last
    assert wait.until.tzinfo is not None
    if wait.condition is not None:
        assert len(wait.condition.split()) >= 3, "`mlops status` says: as soon as CONDITION"
        assert not wait.condition.endswith(".")


def test_some_trigger_fires_without_a_condition_and_some_with_one(tiny):
    waits = [trigger.wait(watching(tiny.project), tiny.now) for trigger in TRIGGERS]
    assert {wait.condition is None for wait in waits if wait is not None} == {True, False}


def check_nulls(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where a feature was null in more than half of yesterday's requests and the last training is a day ago."""
    last = trigger_input.last_training
    if last is None or trigger_input.now < wait_for_nulls(trigger_input.project, last).until:
        return None
    table = trigger_input.read_measurements(trigger_input.now - DAY).filter(
        pl.col("monitor") == "nulls", pl.col("value") > 0.5
    )
    if table.is_empty():
        return None
    row = table.row(0, named=True)
    return FiredTrigger("triggers.nulls", f"{row['name']} is mostly null", {"share": row["value"]})


def wait_for_nulls(project: Project, last_training: datetime) -> TriggerWait:
    return TriggerWait(days_after(last_training, 1, project.timezone), "a feature is mostly null")


NULLS = Trigger("triggers.nulls", check_nulls, wait_for_nulls)


def test_one_more_trigger_is_one_file_and_one_entry_in_the_list(tiny, monkeypatch):
    monkeypatch.setattr(run, "TRIGGERS", (*TRIGGERS, NULLS))
    row = (tiny.now, 24.0, "nulls", "amount", 1, 0.75, None, tiny.now)
    table = pl.DataFrame([row], schema=MEASUREMENTS.fixed_schema, orient="row")
    fired = find_trigger(make_input(tiny, days_ago=2, measurements=table))
    assert fired == FiredTrigger("triggers.nulls", "amount is mostly null", {"share": 0.75})
    assert find_trigger(make_input(tiny, days_ago=0.5, measurements=table)) is None
    due = next_retraining(watching(tiny.project), tiny.now)
    assert due.watched.endswith(" since the last training, or a feature is mostly null")
    assert due.watched_from == days_after(tiny.now, 1, tiny.project.timezone)
