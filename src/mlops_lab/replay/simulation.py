"""A policy, day by day over a past span, without serving: its versions answer past requests, and it decides as the loop
decides, by the labels that had arrived by then. It writes nothing into the project."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import msgspec
import polars as pl

from mlops_lab.clock import days_after
from mlops_lab.errors import Refused
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.loop.decide import decide
from mlops_lab.loop.measure_day import read_profiles
from mlops_lab.loop.new_labels import count_new_labels
from mlops_lab.loop.observe import Observation, RolloutEvidence, measurements_since
from mlops_lab.loop.retrain import package_of, retrain, train_version
from mlops_lab.loop.rollout_evidence import read_gains
from mlops_lab.loop.trainings import read_champion, read_trainings
from mlops_lab.monitoring.measure import measure, measure_gain
from mlops_lab.monitoring.window import Window, whole_days
from mlops_lab.project import Project
from mlops_lab.registry.store.folder_registry import FolderRegistry
from mlops_lab.replay.past_requests import PastRequests
from mlops_lab.replay.policy import Policy, PolicyKind
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply, fold
from mlops_lab.rollout.next_step import share_now
from mlops_lab.rollout.versions import load_predictor
from mlops_lab.serving.answering.routing import bucket
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.training.candidate import prepare_candidate
from mlops_lab.training.progress import Report

BY = "backtest"


@dataclass
class Simulation:
    """A policy from the beginning of a span on. `decisions` begins with those made before it; `answers` gets one frame
    for each day: `row` (of the requests), `version`, `role`, `output`, and `other`, what the version beside it says."""

    policy: Policy
    lake: Lake
    requests: PastRequests
    registry: FolderRegistry
    began: datetime
    decisions: list[Decision]
    report: Report
    answers: list[pl.DataFrame] = field(default_factory=list)
    _measured: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MEASUREMENTS.fixed_schema))
    _outputs: dict[int, tuple[Predictor, pl.Series]] = field(default_factory=dict)
    _pairs: pl.DataFrame | None = None
    first_version: int = 0
    """What is live at the beginning of the span."""

    def __post_init__(self) -> None:
        self._made_before = len(self.decisions)

    @property
    def made(self) -> list[Decision]:
        """The decisions of the span."""
        return self.decisions[self._made_before :]

    def run(self, end: datetime) -> None:
        """Play the days until `end`."""
        project = self.policy.project
        if fold(self.decisions).champion is None:
            self._train_first()
        self.first_version = fold(self.decisions).champion or 0
        waiting = pl.DataFrame()
        for window in whole_days(self.began, end, project.timezone):
            self.report(f"{self.policy.name}: {window.began:%Y-%m-%d}")
            state = fold(self.decisions)
            answered = self._answer(window, state)
            self.answers.append(answered)
            waiting = pl.concat([waiting, answered]) if waiting.height else answered
            joined = waiting.filter(pl.col("arrived") < window.end)
            waiting = waiting.filter(pl.col("arrived") >= window.end)
            self._decide(window, state, answered, joined)

    def _train_first(self) -> None:
        self._record(Decision(self.began, DecisionKind.RETRAIN, None, "triggers.first", "nothing was live", BY))
        first = self._retrain(self.began)
        if first.what is DecisionKind.REFUSE:
            raise Refused(
                f"nothing was live then, and a first version would have been refused: {first.reason}",
                code="refused",
                where=f"--policy {self.policy.name}",
                hint="begin later, or change the limits in [gates]",
            )

    def _answer(self, window: Window, state: RolloutState) -> pl.DataFrame:
        """The requests of a day, each answered by the version that its key meets, and by the other one beside it."""
        moments = self.requests.moments
        first, last = (int(moments.search_sorted(moment, side="left")) for moment in (window.began, window.end))
        assert state.champion is not None
        rows = slice(first, last)
        champion = self._output(state.champion)[rows]
        frame = pl.DataFrame(
            {
                "row": pl.Series(range(first, last), dtype=pl.Int64),
                "predicted_at": moments[rows],
                "arrived": self.requests.arrived[rows],
                "truth": self.requests.truth[rows],
            }
        )
        beside = state.challenger or (state.watch.version if state.watch else None)
        if beside is None:
            version = pl.lit(state.champion, pl.Int64).alias("version")
            return frame.with_columns(version, pl.lit("champion").alias("role"), champion).with_columns(
                pl.lit(None, champion.dtype).alias("other")
            )
        challenger = self._output(beside)[rows]
        share = share_now(self.policy.project, state)
        meets = [bucket(f"{beside}/{key}") < share for key in self.requests.keys[rows]]
        is_canary = pl.Series(meets, dtype=pl.Boolean) & challenger.is_not_null()
        return frame.with_columns(
            pl.select(
                pl.when(is_canary).then(beside).otherwise(state.champion).cast(pl.Int64).alias("version"),
                pl.when(is_canary).then(pl.lit("canary")).otherwise(pl.lit("champion")).alias("role"),
                pl.when(is_canary).then(challenger).otherwise(champion).alias("output"),
                pl.when(is_canary).then(champion).otherwise(challenger).alias("other"),
            )
        )

    def _decide(self, window: Window, state: RolloutState, answered: pl.DataFrame, joined: pl.DataFrame) -> None:
        """What is due at the end of a day, and a training that it starts."""
        policy = self.policy
        if policy.kind is PolicyKind.BLIND:
            last = state.last_retrain or self.began
            if window.end >= days_after(last, policy.number, policy.project.timezone):
                self._train_blindly(window.end)
            return
        if policy.kind is not PolicyKind.LOOP:
            return
        observation = self._observe(window, state, answered.drop_nulls("output"), joined.drop_nulls("output"))
        decision = decide(policy.project, state, observation, by=BY)
        if decision is not None:
            self._record(decision)
        if fold(self.decisions).retraining is not None:
            self._retrain(window.end)

    def _observe(
        self, window: Window, state: RolloutState, answered: pl.DataFrame, joined: pl.DataFrame
    ) -> Observation:
        assert state.champion is not None
        project = self.policy.project
        predictor, _ = self._outputs[state.champion]
        task = self._task(predictor)
        weighs_drift = project.settings.triggers.max_drift_loss is not None
        inputs = self.requests.inputs(predictor)[answered["row"].to_list()] if weighs_drift else pl.DataFrame()
        profiles = read_profiles(predictor.package) if weighs_drift else {}
        measured = [
            measure(
                window, version=state.champion, task=task, predictions=answered, inputs=inputs, joined=joined,
                profiles=profiles,
            )
        ]  # fmt: skip
        rollout = None
        if (began := state.compared_since) is not None:
            new = _pairs(joined, since=began)
            measured.append(measure_gain(window, _losses(task, new, "champion") - _losses(task, new, "challenger")))
            self._pairs = new if self._pairs is None else pl.concat([self._pairs, new])
        self._measured = pl.concat([self._measured, *measured])
        if began is not None:
            since = state.since if project.settings.rollout.proves_itself else began
            assert self._pairs is not None
            pairs = self._pairs.filter(pl.col("predicted_at") >= since)
            gains = read_gains(self._measured.filter(pl.col("at") > began))
            rollout = RolloutEvidence(task, pairs.select("truth", "champion", "challenger"), gains, 0)
        return Observation(
            window.end,
            rollout,
            self._read_measurements,
            read_trainings(self.decisions),
            read_champion(self.decisions, state.champion, task),
            partial(count_new_labels, project, self.lake, before=window.end),
        )

    def _read_measurements(self, since: datetime) -> pl.DataFrame:
        """Those of the span, and those that the project made before it."""
        before = measurements_since(self.lake, since)
        own = self._measured.filter(pl.col("at") > since)
        return pl.concat([before.filter(pl.col("at") <= self.began), own]) if before.height else own

    def _retrain(self, now: datetime) -> Decision:
        self.report(f"{self.policy.name}: training as of {now:%Y-%m-%d}")
        decision = retrain(
            self.policy.project,
            self.lake,
            decisions=self.decisions,
            state=fold(self.decisions),
            now=now,
            by=BY,
            report=_no_stages,
            registry=self.registry,
            read_measurements=self._read_measurements,
        )
        self._record(decision)
        return decision

    def _train_blindly(self, now: datetime) -> None:
        """A version that has learned from all that is known at `now` takes over."""
        self.report(f"{self.policy.name}: training as of {now:%Y-%m-%d}")
        project = learns_from_all(self.policy.project)
        self._record(Decision(now, DecisionKind.RETRAIN, None, BY, self.policy.name, BY))
        candidate = prepare_candidate(project, self.lake, now=now)
        candidate, version = train_version(project, self.registry, candidate, now=now, report=_no_stages)
        evidence = {**package_of(project, version), "candidate": candidate.identity}
        self._record(Decision(now, DecisionKind.PROMOTE, version.number, BY, "untested", BY, evidence))

    def _record(self, decision: Decision) -> None:
        before = fold(self.decisions)
        if apply(before, decision).compared_since != before.compared_since:
            self._pairs = None
        self.decisions.append(decision)

    def _output(self, version: int) -> pl.Series:
        if version not in self._outputs:
            predictor = load_predictor(self.policy.project, self.decisions, version)
            self._outputs[version] = (predictor, self.requests.answer(predictor))
        return self._outputs[version][1]

    def _task(self, predictor: Predictor) -> Task:
        project = self.policy.project
        return make_task(project.task, classes=project.classes, scale=predictor.plan.scale)


def learns_from_all(project: Project) -> Project:
    """The project, its versions learning from all that is known, with nothing held out."""
    rollout = msgspec.structs.replace(project.settings.rollout, prove="better")
    return replace(project, settings=msgspec.structs.replace(project.settings, rollout=rollout))


def _pairs(joined: pl.DataFrame, *, since: datetime) -> pl.DataFrame:
    """What both versions answered to the requests since then, of those that both answered."""
    canary = pl.col("role") == "canary"
    both = joined.filter(pl.col("predicted_at") >= since, pl.col("other").is_not_null())
    return both.select(
        "predicted_at",
        "truth",
        pl.when(canary).then("other").otherwise("output").alias("champion"),
        pl.when(canary).then("output").otherwise("other").alias("challenger"),
    )


def _losses(task: Task, pairs: pl.DataFrame, name: str) -> pl.Series:
    return task.losses(pairs["truth"], pairs[name])


def _no_stages(_stage: str) -> None:
    """The stages of a training are not told."""
