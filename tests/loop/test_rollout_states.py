"""A rollout as a state machine: whatever the days show, whoever interferes, and wherever the loop is killed.

`Rollouts` explores decisions and time on `decide` and the fold alone. The test after it lives some days twice, with a
real loop and its files: once undisturbed, once killed between any two writes.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rollout_days import SHADOW_ANSWERS, day_end, prepare_rollout

from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.loop.commands import decide_to_roll_back, decide_to_steer
from mlops_lab.loop.decide import decide
from mlops_lab.loop.observe import Observation, RolloutEvidence
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import as_written_now
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, fold
from mlops_lab.rollout.evidence.paired import weigh_gains
from mlops_lab.rollout.next_step import share_now
from mlops_lab.rollout.proof import DailyGains
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.trials import Trial
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.binary import Binary

DAY, MINUTE, MIDNIGHT = timedelta(days=1), timedelta(minutes=1), datetime(2013, 3, 1, tzinfo=UTC)
STEPS = [0.01, 0.1, 0.5]
WELL, FAILING = Trial(asked=500), Trial(asked=500, failed=50)
STEERING = [DecisionKind.PAUSE, DecisionKind.RESUME, DecisionKind.ROLL_BACK, DecisionKind.PROMOTE]


def with_rollout(project: Project, **changes: Any) -> Project:
    """The project, with candidates that prove themselves in the rollout, and a training every few days."""
    rollout = {"prove": "better", "shadow_days": 1, "canary_days": 1, "canary_steps": STEPS, **changes}
    sections = {
        "rollout": msgspec.structs.replace(project.settings.rollout, **rollout),
        "triggers": msgspec.structs.replace(project.settings.triggers, every_days=5, cooldown_days=1),
        "project": msgspec.structs.replace(project.settings.project, timezone="UTC"),
    }
    return replace(project, settings=msgspec.structs.replace(project.settings, **sections))


def pairs_of(rows: int) -> pl.DataFrame:
    schema = {"truth": pl.Float64, "champion": pl.Float64, "challenger": pl.Float64}
    return pl.DataFrame({name: [0.5] * rows for name in schema}, schema=schema).with_columns(truth=pl.lit(1.0))


class Rollouts(RuleBasedStateMachine):
    """Days pass with gains of some size; a tick decides at the end of each, and people steer in between."""

    project: Project

    def __init__(self) -> None:
        super().__init__()
        self.now, self.decisions, self.versions = MIDNIGHT, list[Decision](), 1
        self.gains: list[tuple[datetime, float]] = []
        self.trial = WELL

    @property
    def state(self) -> RolloutState:
        return fold(self.decisions)

    def make(self, what: DecisionKind, version: int | None, **evidence: Any) -> None:
        self.decisions.append(Decision(self.now, what, version, "test", "", "test", evidence))

    @initialize()
    def begin(self) -> None:
        self.make(DecisionKind.BOOTSTRAP, 1)

    @rule(gain=st.sampled_from([-0.03, -0.01, 0.0, 0.01, 0.03]), days=st.integers(1, 12), passes=st.booleans())
    def live(self, gain: float, days: int, passes: bool) -> None:
        """Some days, each of which shows about this gain, with trainings whose candidates pass or not."""
        for _ in range(days):
            self.live_day(gain, rows=80)
            self.train(passes)

    @rule(gain=st.sampled_from([-0.03, 0.0, 0.03, 0.03]), rows=st.sampled_from([0, 20, 80, 80]))
    def live_until_something_is_decided(self, gain: float, rows: int) -> None:
        """Days, with trainings that pass, until the rollout or the watch takes a step."""
        for _ in range(40):
            made = self.live_day(gain, rows=rows)
            self.train(True)
            if made is not None and made.what is not DecisionKind.RETRAIN:
                return

    @rule(gain=st.sampled_from([-0.03, 0.03]), days=st.integers(1, 40))
    def live_while_training_fails(self, gain: float, days: int) -> None:
        """Days during which a training that was begun does not end."""
        for _ in range(days):
            self.live_day(gain, rows=80)

    def live_day(self, gain: float, *, rows: int) -> Decision | None:
        self.now += DAY
        if rows and self.state.compared_since is not None:
            self.gains.append((self.now, gain + (0.004 if len(self.gains) % 2 else -0.004)))
        return self.tick(rows)

    def days_since(self, began: datetime | None) -> DailyGains:
        gains = [gain for at, gain in self.gains if began is not None and at > began]
        return DailyGains(np.array(gains), np.full(len(gains), 100.0))

    def tick(self, rows: int) -> Decision | None:
        before = self.state
        daily = self.days_since(before.compared_since)
        evidence = RolloutEvidence(Binary(), pairs_of(rows), daily, 0, self.trial)
        observation = Observation(self.now, evidence, lambda _: pl.DataFrame(schema=MEASUREMENTS.fixed_schema))
        decision = decide(self.project, before, observation, by="loop")
        assert decision == decide(self.project, before, observation, by="loop")
        if decision is None:
            assert before.stage is None or self.trial is WELL, "a guardrail acts within one tick"
            return None
        self.check(before, decision, daily)
        self.decisions.append(decision)
        if decision.what in {DecisionKind.ROLL_BACK, DecisionKind.EXPIRE}:
            self.trial = WELL
        return decision

    def check(self, before: RolloutState, decision: Decision, daily: DailyGains) -> None:
        """Nothing is promoted without proof, nor skips a step, nor goes forward while it is paused."""
        what, after = decision.what, fold([*self.decisions, decision])
        if before.is_paused:
            assert what in {DecisionKind.ROLL_BACK, DecisionKind.EXPIRE}
        if what in {DecisionKind.CANARY, DecisionKind.PROMOTE}:
            assert weigh_gains(daily.gains, alpha=0.05, rows=daily.rows).is_proved[-1]
            reached = share_now(self.project, before)
            assert [share for share in STEPS if share <= reached] + [
                share for share in STEPS if share > reached
            ] == STEPS
            expected = next((share for share in STEPS if share > reached), None)
            assert after.canary_share == expected
            assert (what is DecisionKind.PROMOTE) == (expected is None)
        if what is DecisionKind.ROLL_BACK and before.stage is None:
            assert before.watch is not None
            assert weigh_gains(daily.gains, alpha=0.05, rows=daily.rows).is_proved[-1]
            assert after.champion == before.watch.version
        if before.watch is not None and what is DecisionKind.CONFIRM:
            assert self.now >= before.watch.began + before.watch.days * DAY
        if self.trial is FAILING and before.stage is not None:
            assert (what, decision.rule) == (DecisionKind.ROLL_BACK, "guardrails.max_errors")

    def train(self, passes: bool) -> None:
        """The training under way ends; as with `loop.retrain`, a fresher candidate takes the place of the one in
        shadow."""
        if self.state.retraining is None:
            return
        self.versions += 1
        in_shadow = self.state.stage is DecisionKind.SHADOW
        accepted = DecisionKind.SUPERSEDE if in_shadow else DecisionKind.SHADOW
        began, watch = self.state.rollout_began, self.state.watch
        self.make(accepted if passes else DecisionKind.REFUSE, self.versions)
        if passes and in_shadow:
            assert self.state.rollout_began == began, "its evidence goes on"
        assert self.state.watch == (None if passes else watch)

    @rule(what=st.sampled_from(STEERING))
    def steer(self, what: DecisionKind) -> None:
        try:
            self.decisions.append(
                decide_to_steer(self.state, self.now, what=what, by="me", reason="why", watch_days=10)
            )
        except Refused as refusal:
            assert refusal.hint

    @precondition(lambda self: self.state.stage is None)
    @rule()
    def roll_back(self) -> None:
        try:
            self.decisions.append(decide_to_roll_back(self.state, self.now, by="me", reason="why"))
        except Refused:
            assert not self.state.previous

    @precondition(lambda self: self.state.stage is not None)
    @rule()
    def begin_to_fail(self) -> None:
        self.trial = FAILING

    @invariant()
    def is_one_state(self) -> None:
        state = self.state
        assert (state.stage is None) == (state.challenger is None) == (state.rollout_began is None)
        assert state.challenger != state.champion
        assert not (state.watch and state.stage), "one version at a time is in shadow"
        if state.watch is not None:
            assert state.previous[-1] == state.watch.version
        assert (state.canary_share is not None) == (state.stage is DecisionKind.CANARY)
        assert not state.is_paused or state.stage is not None
        if state.stage is None:
            self.trial = WELL
        assert as_written_now(self.decisions) == self.decisions


@pytest.mark.parametrize("examples", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_rollouts_keep_their_rules_whatever_comes(tiny, examples):
    machine = type("TinyRollouts", (Rollouts,), {"project": with_rollout(tiny.project, max_days=30, watch_days=10)})
    chosen = settings(max_examples=examples, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(machine, settings=settings(chosen, suppress_health_check=[*HealthCheck]))


class Killed(BaseException):
    """The loop is killed: nothing that it does afterwards happens."""


@contextmanager
def killed_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> Iterator[None]:
    """Let this many writes happen, each an append to a table or the replacing of a file; be killed at the next."""
    left = itertools.count(writes, -1)

    def limited(original: Any) -> Any:
        def write(*args: Any, **named: Any) -> Any:
            if next(left) <= 0:
                raise Killed
            return original(*args, **named)

        return write

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", limited(Lake.append))
        patch.setattr(Path, "replace", limited(Path.replace))
        yield


DAYS = len(SHADOW_ANSWERS)


@pytest.fixture
def lived(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the days of a whole rollout to come."""
    return prepare_rollout(tiny, tmp_path / "project", monkeypatch)


def rollout_steps(loop: Loop) -> list[Decision]:
    """The decisions about the rollout. A killed tick may be followed by a training earlier than the next one would be,
    as its day is decided about again."""
    trainings = {DecisionKind.RETRAIN, DecisionKind.REFUSE}
    return [decision for decision in loop.decisions if decision.what not in trainings]


def live_days(
    tiny: Any, project: Project, *, kill: Callable[[int], AbstractContextManager[None]], days: set[int]
) -> Loop:
    """Ticks after each day until nothing more is due; on these days `kill(n)` kills the n-th attempt of the first one,
    until one comes to its end."""
    loop = Loop(project)
    for day in range(1, DAYS + 1):
        for attempt in itertools.count() if day in days else ():
            loop = Loop(project)
            with suppress(Killed), kill(attempt):
                loop.tick(day_end(tiny, day))
                break
        minutes = itertools.count(0)
        while loop.tick(day_end(tiny, day) + next(minutes) * MINUTE):
            pass
    return loop


@pytest.mark.slow
def test_a_loop_that_is_killed_between_any_two_writes_decides_the_same(tiny, lived, tmp_path, monkeypatch):
    """The n-th attempt of each tick is killed after n writes, and finds what those before have left."""
    other = load_project(Path(shutil.copytree(lived.root, tmp_path / "other")))
    kill = partial(killed_after, monkeypatch)
    undisturbed = live_days(tiny, other, kill=kill, days=set())
    eventful = {round((decision.at - day_end(tiny, 0)) / DAY) for decision in undisturbed.decisions}
    killed = live_days(tiny, lived, kill=kill, days=eventful | {2})
    steps, others = (rollout_steps(loop) for loop in (undisturbed, killed))
    kinds = [str(step.what) for step in steps]
    assert kinds == ["bootstrap", "shadow", "supersede", "canary", "canary", "promote", "roll_back"]
    assert others == steps
    tables = [read_routing_table(project.deployment_path) for project in (lived, other)]
    first, second = ((t.champion, t.challenger, t.canary_share, t.previous) for t in tables)
    assert first == second
    columns = ["at", "monitor", "name", "version", "role", "value"]
    rows = [MEASUREMENTS.read(Lake(project.lake_path)).select(columns).sort(columns) for project in (lived, other)]
    assert rows[0].equals(rows[1])
