"""A tick of the loop: observe, decide, act. Idempotent: kill it at any point and run it again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial

from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.alerts.delivery import deliver_alerts
from mlops_lab.alerts.endings import resolve_ended, resolve_over
from mlops_lab.alerts.runbooks import Ends
from mlops_lab.clock import days_before
from mlops_lab.errors import EnvironmentFault, InvalidInput, Refused
from mlops_lab.files import disk_fault
from mlops_lab.intake.data_size import data_stamps
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.shipping import adopt_journals
from mlops_lab.intake.sources import load_sources
from mlops_lab.loop.act import alert_unreadable, alert_waiting_training, keep_champion_named
from mlops_lab.loop.approval import about_approval, approval_alert
from mlops_lab.loop.clock import clock_alert, decide_about_clock
from mlops_lab.loop.commands import decide_to_retrain
from mlops_lab.loop.days import days_to_measure, is_ticked_rarely, measured_until, position_of, split_days, writer_of
from mlops_lab.loop.decide import takes_fresher
from mlops_lab.loop.erasures import facts_erased
from mlops_lab.loop.foreign_candidate import ForeignSource, prepare_foreign
from mlops_lab.loop.measure_day import MeasuredDay
from mlops_lab.loop.past_days import champion_of, decide_as_of, give_up, measure_past_day, note_warnings
from mlops_lab.loop.people_decider import PeopleDecider
from mlops_lab.loop.upkeep import keep_tables_small
from mlops_lab.loop.verdict import write_verdict
from mlops_lab.loop.watch_days import DayWatcher, watcher_of
from mlops_lab.monitoring.measure import quality_of
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.monitoring.window import Window
from mlops_lab.registry.store.tracking_faults import TRACKING_FAULT
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.rollout.deploy import has_long_journal
from mlops_lab.rollout.versions import find_unreadable, load_plan_of, load_predictor
from mlops_lab.tables.arrival import LOAD_LEAD
from mlops_lab.tables.day_warnings import read_day_warnings
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.training.candidate import Candidate, prepare_candidate
from mlops_lab.training.checks import check_features, check_outcomes
from mlops_lab.training.pipeline import load_pipeline


@dataclass
class Loop(PeopleDecider):
    """The reconciler of one project: it reads the state from the lake and writes each decision before it acts on it."""

    last_log_loss: float | None = field(init=False, default=None)
    measured: list[Window] = field(init=False, default_factory=list)
    """The days that the last tick measured."""
    waiting: list[str] = field(init=False, default_factory=list)
    """What the last tick could not do without the tracking server, or MLflow's store: the next one tries again."""
    _verifier: Verifier = field(init=False)
    _watcher: DayWatcher = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._watcher = watcher_of(self.project)
        self._verifier = Verifier(
            self.project,
            self.lake,
            plan_of=lambda version: load_plan_of(self.project, self.decisions, version),
            predictor_of=lru_cache(maxsize=4)(lambda version: load_predictor(self.project, self.decisions, version)),
            erasures=partial(facts_erased, self.lake, source=self.project.settings.source.table),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be told of the last day that was measured."""
        return read_day_warnings(self.project.warnings_path, champion=self.state.champion)

    def tick(self, now: datetime, *, by: str = "loop") -> list[Decision]:
        """The decisions that one tick at `now` made. Data known at or after `now` plays no part.

        Whole days are measured: the first tick after midnight measures the day that is over, so it does not
        matter how many ticks a day has. Days without a tick are caught up, one by one.

        Refused where another loop of the project is at work and takes long, and where another process decides
        something meanwhile: the next tick reads it.
        """
        with self._take_turn():
            try:
                decisions = self._tick(now, by=by)
            except Exception:
                with suppress(Exception):  # what failed first is what the caller must know; often this is why
                    unreadable = find_unreadable(self.project, self.decisions, self.state)
                    alert_unreadable(self.project, self.lake, unreadable, now=now)
                with suppress(Exception):
                    self._tell(now)
                raise
            self._tell(now)
            return decisions

    def _tick(self, now: datetime, *, by: str) -> list[Decision]:
        self.catch_up()
        self.measured, self._made, self.waiting = [], [], []
        self.report("ingest")
        ingest_journal(self.project, self.lake)
        adopt_journals(self.project, self.lake)
        self.check_schema()
        self._check_clock(now, by=by)
        is_due = self.state.champion is not None and not self._is_measured(now)
        if is_due:
            self._measure_and_decide(now, by=by)
        if any(decision.what is not DecisionKind.RETRAIN for decision in self._made):
            self.act()  # before a training, which takes long and may fail
        if (retraining := self.state.retraining) is not None:
            self._tell(now)
            self._finish_or_wait(now if is_due else retraining.at, now=now, by=by)
        if self._made or has_long_journal(self.project, self.lake):
            self.act()
        if self.project.loading_path.exists():  # a load was killed: what it brought into the lake is in no state yet
            self.act(new_state=True)
            self.project.loading_path.unlink(missing_ok=True)
        self.follow()
        alert_unreadable(self.project, self.lake, self._unreadable, now=now)
        if (waits := keep_champion_named(self.project, self.lake, self.decisions, self.state, now=now)) is not None:
            self.waiting.append(waits)
        keep_tables_small(self.project, self.lake, self.decisions, now=now)
        write_verdict(self.project, self.lake, self.decisions, self.state, at=now)
        return self._made

    def _tell(self, now: datetime) -> None:
        """Resolve the alerts that ended, and send those that are open. It comes after the decisions took effect."""
        until = measured_until(self.lake, self.decisions)
        day = Window(days_before(until, 1, self.project.timezone), until) if until is not None else None
        resolve_ended(self.project, self.lake, now=now, day=day)
        asked = self.state.approvals.asked
        waiting = {about_approval(asked.version, asked.step)} if asked else set[str]()
        resolve_over(
            self.project, self.lake, Ends.WITH_ANSWER, at=now, lasting=waiting, reason="it does not wait any more"
        )
        deliver_alerts(self.project, self.lake, now=now)

    def _measure_and_decide(self, now: datetime, *, by: str) -> None:
        """Measure every day that is over, oldest first, and decide as of its end; as of `now` after the last one.

        The measurements of a day are written after its decision: a tick killed in between does that day again, and what
        was written already is not written twice.

        After days that are too old to be measured nothing is decided: perhaps the clock is wrong. The next tick knows:
        then it is right, or set back, or ticks are rare here.
        """
        too_old, days = split_days(days_to_measure(self.project, self.lake, self.decisions, now=now))
        may_decide = too_old is None or is_ticked_rarely(self.lake, self.decisions)
        if too_old is not None:
            give_up(self.project, self.lake, self.decisions, window=too_old)
        for number, window in enumerate(days, start=1):
            progress = f" (day {number} of {len(days)})" if len(days) > 1 else ""
            day = self._measure(window, progress)
            if may_decide:
                self._decide(window.end if number < len(days) else now, day, now=now, by=by)
            position = position_of(window, writer_of(self.decisions))
            MEASUREMENTS.append(self.lake, day.measurements, position=position)
            self.measured.append(window)
            if number == len(days):
                note_warnings(self.project, self.lake, self.decisions, day=day)
        if not days:
            self._decide(now, None, now=now, by=by)

    def _check_clock(self, now: datetime, *, by: str) -> None:
        """Where the clock was ahead before: let all that is dated after `now` count as of now, and alert. Else the loop
        would wait until that time comes."""
        measured = measured_until(self.lake, self.decisions)
        decision = decide_about_clock(self.project, self.state, measured=measured, now=now, by=by)
        if decision is not None:
            self.record(decision)
            position = (decision.rule, len(self.decisions))
            send_alerts(self.project, self.lake, [clock_alert(decision)], position=position)

    def _measure(self, window: Window, progress: str) -> MeasuredDay:
        day = measure_past_day(
            self.project,
            self.lake,
            self.decisions,
            window=window,
            verifier=self._verifier,
            watcher=self._watcher,
            report=lambda stage: self.report(f"{stage}{progress}"),
        )
        champion = champion_of(window, self.decisions)
        self.last_log_loss = quality_of(day.measurements, "log_loss", version=champion)
        return day

    def _decide(self, as_of: datetime, day: MeasuredDay | None, *, now: datetime, by: str) -> None:
        decision = decide_as_of(
            self.project, self.lake, self.decisions, state=self.state, as_of=as_of, day=day, now=now, by=by
        )
        if decision is not None:
            self.record(decision)
            if decision.what is DecisionKind.ASK_APPROVAL:
                position = (decision.rule, len(self.decisions))
                send_alerts(self.project, self.lake, [approval_alert(decision)], position=position)

    def run(self, now: datetime, *, by: str, accept_changes: bool = False) -> Decision:
        """Train a candidate as of `now`; the decision about it: bootstrap, shadow, or refuse.

        Refused, and nothing changes, while another rollout is under way, or where the data has other values than those
        loaded before, unless `accept_changes`: see `load_sources`. InvalidInput, and nothing is decided, where no
        training set can be made.
        """
        with self._take_turn():
            self.catch_up()
            return self._run(now, by=by, accept_changes=accept_changes)

    def import_model(self, now: datetime, source: ForeignSource, *, by: str) -> Decision:
        """Register a model that was trained elsewhere; the decision about it, by the same gates as those of `run`.

        Refused, and nothing changes, while a rollout or a training is under way. InvalidInput, and nothing is decided,
        where the model does not fit the project's inputs and label, or may have seen the rows it is judged on.
        """
        with self._take_turn():
            self.catch_up()
            if decide_to_retrain(self.state, now, by=by) is None:
                raise Refused("a training is under way", code="training_under_way", hint="`mlops tick` finishes it")
            self._check_registry()
            self.check_schema()
            check_features(self.project, load_pipeline(self.project).features)
            self.load(now)
            self.report("training set")
            candidate = prepare_foreign(self.project, self.lake, source, now=now)
            return self._finish_retraining(now, by=by, candidate=candidate)

    def _run(self, now: datetime, *, by: str, accept_changes: bool) -> Decision:
        fresher = takes_fresher(self.project, self.state)
        self._check_registry()
        decision = decide_to_retrain(self.state, now, by=by, replaces_challenger=fresher)
        self.check_schema()
        check_features(self.project, load_pipeline(self.project).features)
        check_outcomes(self.project, self.lake)
        self.load(now, accept_changes=accept_changes)
        self.report("training set")
        candidate = prepare_candidate(self.project, self.lake, now=now)
        if decision is not None:
            self.record(decision)
        return self._finish_retraining(now, by=by, candidate=candidate)

    def load(self, now: datetime, *, accept_changes: bool = False) -> None:
        """Bring what servers acknowledged and what is new in the data files into the lake, as of `now`."""
        with self._take_turn():
            ingest_journal(self.project, self.lake)
            self.report("snapshot")
            received_at, is_new = now + LOAD_LEAD, self.project.loading_path.exists()
            try:
                self.project.loading_path.touch()
            except OSError as error:
                raise disk_fault(error, self.project.loading_path) from error
            try:
                if self._loaded is None or self._loaded != data_stamps(self.project):
                    is_new |= load_sources(
                        self.project, self.lake, now=now, received_at=received_at, accept_changes=accept_changes
                    )
                self._loaded = None
            except (InvalidInput, Refused):  # before anything was written
                self.project.loading_path.unlink(missing_ok=True)
                raise
            if is_new:
                self.act(new_state=True)  # servers take the new rows in before the moment from which they are seen
            self.project.loading_path.unlink(missing_ok=True)

    def _finish_retraining(self, now: datetime, *, by: str, candidate: Candidate | None = None) -> Decision:
        from mlops_lab.loop.retrain import retrain  # brings MLflow: 4 s of imports that only a training should cost

        return self._record_and_act(
            retrain(
                self.project,
                self.lake,
                decisions=self.decisions,
                state=self.state,
                now=now,
                by=by,
                report=self.report,
                candidate=candidate,
            )
        )

    def _check_registry(self) -> None:
        """EnvironmentFault, before anything is decided, where the tracking server does not take a new version."""
        if self.project.settings.tracking.uri or self.project.packages_path.exists():
            from mlops_lab.loop.retrain import open_own_registry  # brings MLflow, as the training will

            open_own_registry(self.project, self.decisions)

    def _finish_or_wait(self, as_of: datetime, *, now: datetime, by: str) -> None:
        """The training that was decided; without the tracking server it waits for the next tick."""
        try:
            self._finish_retraining(as_of, by=by)
        except EnvironmentFault as fault:
            if fault.code != TRACKING_FAULT:
                raise
            self.waiting.append(alert_waiting_training(self.project, self.lake, fault, now=now))

    def _is_measured(self, end: datetime) -> bool:
        """Whether the day that ends at `end`, or a later one, was measured."""
        until = measured_until(self.lake, self.decisions)
        return until is not None and until >= end
