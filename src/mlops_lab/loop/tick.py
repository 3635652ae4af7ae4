"""One turn of the loop: observe, decide, act. Idempotent: kill it anywhere and run it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import polars as pl

from mlops_lab.alerts.channels.table import write_alerts
from mlops_lab.alerts.rules import parity_alerts
from mlops_lab.clock import day_of, to_micros
from mlops_lab.errors import Refused
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.sources import LOAD_LEAD, load_sources
from mlops_lab.lake import Lake
from mlops_lab.loop.observe import measure_day, predictions_of_day, recent_measurements, rollout_pairs, task_of
from mlops_lab.loop.triggers import find_trigger
from mlops_lab.monitoring.measure import differing_cells, measure_parity, quality_of
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import (
    Decision,
    DecisionKind,
    RolloutState,
    apply,
    fold,
    read_decisions,
    write_decision,
)
from mlops_lab.rollout.deploy import deploy, is_long
from mlops_lab.rollout.next_step import next_step
from mlops_lab.rollout.versions import find_version, load_features
from mlops_lab.tables.declared import DECISIONS, MEASUREMENTS
from mlops_lab.training.progress import Report, silent

_TICK = "tick"


@dataclass
class Loop:
    """The reconciler of one project: reads what is so, writes what it decides before it acts."""

    project: Project
    report: Report = silent
    lake: Lake = field(init=False)
    decisions: list[Decision] = field(init=False)
    state: RolloutState = field(init=False)
    last_log_loss: float | None = field(init=False, default=None)
    _acted: bool = field(init=False, default=False)
    _verifier: Verifier = field(init=False)

    def __post_init__(self) -> None:
        self.lake = Lake(self.project.lake_path)
        self.decisions = read_decisions(self.lake)
        self.state = fold(self.decisions)
        self._verifier = Verifier(
            self.project, self.lake, features_of=lambda version: load_features(self.project, self.decisions, version)
        )

    def run(self, now: datetime, *, by: str) -> Decision:
        """Train a candidate as of `now` and send it on its way: the decision that says how far it came.

        Refused, and nothing changes, while another rollout is under way.
        """
        if self.state.stage is not None:
            raise Refused(
                f"version {self.state.challenger} is on its way ({self.state.stage})",
                code="rollout_under_way",
                hint="wait for `mlops tick` to finish it, or end it with `mlops rollback`",
            )
        self.load(now)
        if self.state.retraining is None:
            self.decide(Decision(now, DecisionKind.RETRAIN, None, "asked", f"asked for by {by}", by))
        return self._finish_retraining(now, by=by)

    def load(self, now: datetime) -> None:
        """Bring what is new in the data files into the lake, as of `now`."""
        self.report("snapshot")
        if load_sources(self.project, self.lake, now=now, received_at=now + LOAD_LEAD):
            self.act(fresh=True)  # servers take the new rows in before the moment from which they are seen

    def now(self) -> datetime:
        """What "now" is for this project: the machine's time, or just after the newest moment its tables know of."""
        return current_moment(self.project, self.lake)

    def tick(self, now: datetime, *, by: str = "loop") -> list[Decision]:
        """One turn at `now`; the decisions it made. Data known at or after `now` plays no part.

        Whole days are measured: the first tick after midnight measures the day that is over, so it does not
        matter how often there is a turn.
        """
        self.catch_up()
        before = len(self.decisions)
        self.report("ingest")
        ingest_journal(self.project, self.lake)
        if self.state.champion is not None and not self._is_done(now):
            end = day_of(now, self.project.timezone)
            measured = self._measure(end) if self._is_due(end) else None
            self._decide_and_act(now, by=by, differing=0 if measured is None else differing_cells(measured))
            if measured is not None:
                MEASUREMENTS.append(self.lake, measured, position=(_TICK, to_micros(end)))
        elif self.state.retraining is not None:
            self._finish_retraining(self.state.retraining.at, by=by)
        if len(self.decisions) > before or not self._acted or is_long(self.project, self.lake):
            self.act()
        if any(decision.what in {DecisionKind.PROMOTE, DecisionKind.ROLL_BACK} for decision in self.decisions[before:]):
            self.name_champion()
        return self.decisions[before:]

    def roll_back(self, now: datetime, *, by: str, reason: str) -> Decision:
        """Take the challenger back, or, where there is none, the version before the champion. Refused if neither."""
        if self.state.challenger is None and not self.state.previous:
            raise Refused(
                "there is no version to go back to",
                code="nothing_to_roll_back",
                hint="`mlops history` lists what was live; a first version can only be replaced with `mlops run`",
            )
        target = self.state.challenger or self.state.previous[-1]
        decision = Decision(now, DecisionKind.ROLL_BACK, target, "asked", reason, by)
        self.decide(decision)
        self.act()
        return decision

    def split(self, now: datetime, version: int, *, share: float, by: str) -> Decision:
        """Have a version answer a fixed share of the keys from now on; 0 ends that.

        Refused where the version never passed its gates or is the champion, or where nothing would be left for that.
        """
        find_version(self.decisions, version)
        passed = {
            one.version
            for one in self.decisions
            if one.what in {DecisionKind.BOOTSTRAP, DecisionKind.SHADOW, DecisionKind.PROMOTE}
        }
        if version not in passed:
            raise Refused(
                f"version {version} did not pass its gates: nobody may be answered by it",
                code="not_passed",
                hint="`mlops history` says why",
            )
        if version == self.state.champion and share:
            raise Refused(
                f"version {version} is the champion: it answers whom no other version does",
                code="is_champion",
                hint="give the other version a share",
            )
        others = sum(of for arm, of in self.state.arms if arm != version)
        if share + others >= 1:
            raise Refused(
                f"{share:.0%} and the {others:.0%} of other versions leave nothing for the champion",
                code="share_too_large",
                hint="give a smaller share, or end another one with --share 0",
            )
        reason = f"an A/B test: it answers {share:.0%} of the keys" if share else "the A/B test is over"
        decision = Decision(now, DecisionKind.SPLIT, version, "asked", reason, by, {"share": share})
        self.decide(decision)
        self.act()
        return decision

    def decide(self, decision: Decision) -> None:
        """Write a decision down; Refused where another process has decided something meanwhile."""
        if not write_decision(self.lake, decision, earlier=len(self.decisions)):
            raise Refused(
                "another process decided something meanwhile",
                code="decided_meanwhile",
                hint="look at `mlops history` and run it again",
            )
        self.decisions.append(decision)
        self.state = apply(self.state, decision)

    def act(self, *, fresh: bool = False) -> None:
        """Make the routing table what the decisions say."""
        deploy(self.project, self.lake, decisions=self.decisions, state=self.state, fresh=fresh)
        self._acted = True

    def name_champion(self) -> None:
        """Tell MLflow too, so that `models:/NAME@champion` is what answers here. After the act: it takes its time."""
        if self.state.champion is not None:
            from mlops_lab.registry.store import ModelRegistry

            ModelRegistry(self.project.mlflow_path, name=self.project.name).set_stage("champion", self.state.champion)

    def catch_up(self) -> None:
        """Take in what other processes have decided since this loop read the decisions."""
        if DECISIONS.position(self.lake, DECISIONS.name) > len(self.decisions):
            self.decisions = read_decisions(self.lake)
            self.state = fold(self.decisions)
            self._acted = False

    def _is_due(self, end: datetime) -> bool:
        """Whether the day that ends at `end` is to be measured: something was live in it, and nobody measured it."""
        live = next((decision.at for decision in self.decisions if decision.what is DecisionKind.BOOTSTRAP), end)
        return live < end and not self._is_done(end)

    def _measure(self, end: datetime) -> pl.DataFrame:
        """The measurements of the day that ends at `end`; what was served otherwise than it is defined is an alert."""
        assert self.state.champion is not None
        self.report("measure")
        package = self.project.root / find_version(self.decisions, self.state.champion).package
        predictions = predictions_of_day(self.project, self.lake, now=end)
        measured = measure_day(
            self.project, self.lake, now=end, state=self.state, package=package, predictions=predictions
        )
        self.last_log_loss = quality_of(measured, "log_loss")
        self.report("parity")
        parity = self._verifier.verify_sample(predictions)
        write_alerts(self.lake, parity_alerts(parity, end), position=(_TICK, to_micros(end)))
        compared = measure_parity(
            at=end,
            window_hours=measured["window_hours"][0],
            version=self.state.champion,
            cells=parity.cells,
            differing=parity.differing_cells,
        )
        return measured.vstack(compared)

    def _is_done(self, now: datetime) -> bool:
        return MEASUREMENTS.position(self.lake, _TICK) >= to_micros(now)

    def _decide_and_act(self, now: datetime, *, by: str, differing: int) -> None:
        state = self.state
        if state.retraining is not None:
            self._finish_retraining(now, by=by)
        elif state.stage is not None:
            assert state.rollout_began is not None
            assert state.champion is not None
            task = task_of(self.project.root / find_version(self.decisions, state.champion).package)
            pairs = rollout_pairs(self.project, self.lake, since=state.rollout_began, now=now, task=task)
            differing += differing_cells(recent_measurements(self.lake, state.rollout_began))
            step = next_step(self.project, state, now, task=task, pairs=pairs, differing_cells=differing)
            if step is not None:
                self.decide(Decision(now, step.what, state.challenger, step.rule, step.reason, by, step.evidence))
        else:
            trigger = find_trigger(self.project, state, now, measured=partial(recent_measurements, self.lake))
            if trigger is not None:
                self.decide(
                    Decision(now, DecisionKind.RETRAIN, None, trigger.rule, trigger.reason, by, trigger.evidence)
                )
                self._finish_retraining(now, by=by)

    def _finish_retraining(self, now: datetime, *, by: str) -> Decision:
        from mlops_lab.loop.retrain import retrain  # brings MLflow: 4 s that only a training should cost

        decision = retrain(
            self.project,
            self.lake,
            decisions=self.decisions,
            state=self.state,
            now=now,
            by=by,
            report=self.report,
        )
        self.decide(decision)
        self.act()
        return decision
