"""The way of a challenger: shadow, canary, champion; or back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import day_start
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, Watch, apply
from mlops_lab.rollout.next_step import MIN_ROWS, next_step, share_now, waiting_for
from mlops_lab.rollout.proof import NO_DAYS, DailyGains, weigh
from mlops_lab.tasks.binary import Binary

BEGAN = day_start(datetime(2013, 3, 9).date(), "America/New_York")  # the clocks change in the night that follows
SETTINGS = {DecisionKind.SHADOW: 2, DecisionKind.CANARY: 3}  # days of each stage, as mlops.toml has them by default


def in_stage(stage: DecisionKind) -> RolloutState:
    return RolloutState(champion=1, challenger=2, stage=stage, since=BEGAN, rollout_began=BEGAN)


def pairs(rows: int, *, champion: float = 0.5, challenger: float = 0.5) -> pl.DataFrame:
    """Requests whose outcomes are all true: the higher the answer of a version, the better it is."""
    return pl.DataFrame(
        {"truth": [1.0] * rows, "champion": [champion] * rows, "challenger": [challenger] * rows},
        schema={"truth": pl.Float64, "champion": pl.Float64, "challenger": pl.Float64},
    )


def days_later(days: int, minutes: int = 0) -> datetime:
    day = datetime(2013, 3, 9).date() + timedelta(days=days)
    return day_start(day, "America/New_York") + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("stage", "after", "step"),
    [
        (DecisionKind.SHADOW, 0, None),
        (DecisionKind.SHADOW, 1, None),
        (DecisionKind.SHADOW, 2, DecisionKind.CANARY),
        (DecisionKind.CANARY, 2, None),
        (DecisionKind.CANARY, 3, DecisionKind.PROMOTE),
        (DecisionKind.CANARY, 9, DecisionKind.PROMOTE),
    ],
)
def test_a_stage_lasts_its_days(tiny, stage, after, step):
    due = next_step(tiny.project, in_stage(stage), days_later(after), task=Binary(), pairs=pairs(MIN_ROWS))
    assert (due and due.what) == step


@pytest.mark.parametrize("stage", SETTINGS)
def test_days_are_days_of_the_calendar(tiny, stage):
    """Midnight to midnight, though one of the days has 23 hours."""
    days = SETTINGS[stage]
    assert days_later(days) - BEGAN == timedelta(hours=24 * days - 1)
    assert next_step(tiny.project, in_stage(stage), days_later(days, -1), task=Binary(), pairs=pairs(MIN_ROWS)) is None
    assert next_step(tiny.project, in_stage(stage), days_later(days), task=Binary(), pairs=pairs(MIN_ROWS)) is not None


@pytest.mark.parametrize("stage", SETTINGS)
@pytest.mark.parametrize("after", [0, 1, 9])
def test_harm_ends_a_rollout_at_once(tiny, stage, after):
    worse = pairs(MIN_ROWS, champion=0.5, challenger=0.48)
    step = next_step(tiny.project, in_stage(stage), days_later(after), task=Binary(), pairs=worse)
    assert (step.what, step.rule) == (DecisionKind.ROLL_BACK, "rollout.max_loss")
    assert "more than 0.02, which is allowed" in step.reason
    assert step.evidence["harm"] == pytest.approx(0.0408, abs=1e-4)


def test_a_little_worse_is_within_what_is_allowed(tiny):
    step = next_step(
        tiny.project,
        in_stage(DecisionKind.SHADOW),
        days_later(2),
        task=Binary(),
        pairs=pairs(MIN_ROWS, challenger=0.495),
    )
    assert step.what is DecisionKind.CANARY


@pytest.mark.parametrize("rows", [0, 1, MIN_ROWS - 1])
@pytest.mark.parametrize("challenger", [0.01, 0.99])
def test_too_few_outcomes_decide_nothing(tiny, rows, challenger):
    few = pairs(rows, challenger=challenger)
    assert next_step(tiny.project, in_stage(DecisionKind.CANARY), days_later(30), task=Binary(), pairs=few) is None


@pytest.mark.parametrize("stage", SETTINGS)
def test_a_challenger_without_a_number_never_goes_on(tiny, stage):
    step = next_step(
        tiny.project, in_stage(stage), days_later(9), task=Binary(), pairs=pairs(MIN_ROWS, challenger=float("nan"))
    )
    assert step is None or step.what is DecisionKind.ROLL_BACK


shares = st.floats(0, 1)


@given(
    st.sampled_from(list(SETTINGS)),
    st.integers(0, 10 * 24 * 60),
    st.integers(0, 2 * MIN_ROWS),
    shares,
    shares,
)
def test_no_step_skips_its_days_or_its_rows(tiny, stage, minutes, rows, champion, challenger):
    now = BEGAN + timedelta(minutes=minutes)
    step = next_step(
        tiny.project, in_stage(stage), now, task=Binary(), pairs=pairs(rows, champion=champion, challenger=challenger)
    )
    is_worse = rows >= MIN_ROWS and step is not None and step.evidence["harm"] > 0.02
    due = now >= days_later(SETTINGS[stage])
    if step is None:
        assert rows < MIN_ROWS or not due
    elif step.what is DecisionKind.ROLL_BACK:
        assert is_worse
    else:
        assert due
        assert not is_worse
        assert rows >= MIN_ROWS
        assert step.what is {DecisionKind.SHADOW: DecisionKind.CANARY, DecisionKind.CANARY: DecisionKind.PROMOTE}[stage]


@pytest.mark.parametrize("stage", SETTINGS)
def test_what_is_waited_for_is_what_is_needed(tiny, stage):
    wait = waiting_for(tiny.project, in_stage(stage), rows=20)
    assert (wait.days, wait.rows, wait.rows_needed) == (SETTINGS[stage], 20, MIN_ROWS)
    assert wait.until == days_later(SETTINGS[stage])
    assert wait.then is {DecisionKind.SHADOW: DecisionKind.CANARY, DecisionKind.CANARY: DecisionKind.PROMOTE}[stage]
    assert not wait.is_over(wait.until)
    assert waiting_for(tiny.project, in_stage(stage), rows=MIN_ROWS).is_over(wait.until)


def test_the_moment_is_that_of_the_caller(tiny):
    """Nothing asks the wall: a stage that began in 2013 is not over because it is long past."""
    step = next_step(
        tiny.project,
        in_stage(DecisionKind.SHADOW),
        datetime(2013, 3, 9, 12, tzinfo=UTC),
        task=Binary(),
        pairs=pairs(MIN_ROWS),
    )
    assert step is None


def proving(tiny, prove: str = "better", **settings: object) -> Project:
    changed = msgspec.structs.replace(tiny.project.settings.rollout, prove=prove, **settings)
    return replace(tiny.project, settings=msgspec.structs.replace(tiny.project.settings, rollout=changed))


@given(st.lists(st.sampled_from([0.01, 0.05, 0.1, 0.5, 0.9]), min_size=1, max_size=4, unique=True), st.booleans())
def test_a_canary_takes_every_declared_step_for_its_days(tiny, steps, declared):
    """Each step is a decision of its own that says its share; the last one leads to the promotion."""
    steps = sorted(steps)
    settings = {"canary_steps": steps} if declared else {"canary_share": steps[0]}
    project = proving(tiny, "backtest", **settings)
    state, now, taken = in_stage(DecisionKind.SHADOW), BEGAN, []
    while True:
        early = days_later((now - BEGAN).days + SETTINGS[state.stage], -120)
        assert next_step(project, state, early, task=Binary(), pairs=pairs(MIN_ROWS)) is None
        now = waiting_for(project, state, rows=MIN_ROWS).until
        step = next_step(project, state, now, task=Binary(), pairs=pairs(MIN_ROWS))
        assert step is not None
        state = apply(state, Decision(now, step.what, 2, step.rule, step.reason, "loop", step.evidence))
        if step.what is DecisionKind.PROMOTE:
            break
        taken.append(share_now(project, state))
        assert step.reason.endswith(f"it now answers {100 * taken[-1]:.4g}% of the keys")
    assert taken == (steps if declared else steps[:1])
    assert (state.champion, state.watch) == (2, Watch(1, now, 28))


def test_a_share_that_an_older_release_did_not_write_down_is_that_of_the_settings(tiny):
    older = apply(in_stage(DecisionKind.SHADOW), Decision(BEGAN, DecisionKind.CANARY, 2, "r", "", "loop"))
    assert share_now(proving(tiny, canary_share=0.2), older) == 0.2
    assert waiting_for(proving(tiny, canary_share=0.2), older, rows=0).then is DecisionKind.PROMOTE
    assert waiting_for(proving(tiny, canary_steps=[0.2, 0.4], canary_share=0.2), older, rows=0).share == 0.4
    assert share_now(tiny.project, in_stage(DecisionKind.SHADOW)) == 0


@pytest.mark.parametrize("prove", ["backtest", "better"])
@pytest.mark.parametrize("stage", SETTINGS)
def test_a_rollout_without_outcomes_expires(tiny, prove, stage):
    project = proving(tiny, prove, max_days=20)
    steps = [next_step(project, in_stage(stage), days_later(day), task=Binary(), pairs=pairs(3)) for day in (19, 20)]
    assert steps[0] is None
    assert steps[1] is not None
    assert (steps[1].what, steps[1].rule) == (DecisionKind.EXPIRE, "rollout.max_days")
    assert "20 days" in steps[1].reason


def test_blue_green_goes_from_shadow_to_all_keys(tiny):
    project = proving(tiny, "backtest", strategy="blue_green", canary_steps=[0.1, 0.5], watch_days=0)
    step = next_step(project, in_stage(DecisionKind.SHADOW), days_later(2), task=Binary(), pairs=pairs(MIN_ROWS))
    assert (step.what, step.rule) == (DecisionKind.PROMOTE, "rollout.strategy")
    promoted = apply(in_stage(DecisionKind.SHADOW), Decision(BEGAN, step.what, 2, "r", "", "loop", step.evidence))
    assert (promoted.champion, promoted.previous, promoted.watch) == (2, (1,), None)


def days_with(gain: float, *, days: int) -> DailyGains:
    """A gain each day, with some spread."""
    spread = np.where(np.arange(days) % 2, 0.3, -0.3) * abs(gain or 1.0)
    return DailyGains(np.full(days, gain) + spread, np.full(days, 100.0))


@pytest.mark.parametrize(
    ("stage", "gain", "days", "step", "rule"),
    [
        (DecisionKind.SHADOW, 0.01, 40, DecisionKind.CANARY, "rollout.shadow_days"),
        (DecisionKind.SHADOW, 0.01, 5, None, ""),
        (DecisionKind.SHADOW, 0.0, 40, None, ""),
        (DecisionKind.SHADOW, 0.0, 121, DecisionKind.EXPIRE, "rollout.max_days"),
        (DecisionKind.SHADOW, -0.01, 40, DecisionKind.ROLL_BACK, "rollout.worse"),
        (DecisionKind.CANARY, 0.01, 40, DecisionKind.PROMOTE, "rollout.canary_days"),
        (DecisionKind.CANARY, -0.01, 40, DecisionKind.ROLL_BACK, "rollout.worse"),
    ],
)
def test_a_candidate_that_proves_itself_in_the_rollout_is_promoted_only_then(tiny, stage, gain, days, step, rule):
    due = next_step(
        proving(tiny),
        in_stage(stage),
        days_later(days),
        task=Binary(),
        pairs=pairs(MIN_ROWS),
        daily=days_with(gain, days=days),
    )
    assert (due and due.what) == step
    if due is not None:
        assert due.rule == rule
        assert due.evidence["days"] == days


def test_not_worse_is_proved_earlier_than_better(tiny):
    daily = DailyGains(0.002 + np.where(np.arange(25) % 2, 0.006, -0.006), np.full(25, 100.0))
    states = [weigh(proving(tiny, prove, margin=0.01), daily).is_proved for prove in ("better", "not_worse")]
    assert states == [False, True]


def test_without_days_nothing_is_proved(tiny):
    proof = weigh(proving(tiny), NO_DAYS)
    assert (proof.days, proof.e_value, proof.is_proved, proof.is_worse) == (0, 1.0, False, False)
    assert proof.say(Binary()) == "no day with outcomes yet"
