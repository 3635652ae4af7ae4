"""Run server and loop together until stopped: what `mlops up` does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import polars as pl

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.files import disk_fault
from mlops_lab.intake.journal import ingest_if_reachable, ingest_journal, recover_journals
from mlops_lab.intake.shipping import Shipper
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.project.owners import Hold, Role, take_role
from mlops_lab.rollout.decisions import Decision
from mlops_lab.runtime.first_steps import FirstSteps, first_steps
from mlops_lab.serving.answering.online_store import open_online_store
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.address import Address, check_no_server, listen
from mlops_lab.serving.process.tls import find_tls
from mlops_lab.serving.process.watchdog import Watchdog
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.verdict import Verdict

POLL_SECONDS = 0.5
_OF_OTHERS = {"decided_meanwhile", "loop_locked"}
"""Another command has decided something, such as `mlops rollback`, or trains, such as `mlops run`: the next tick reads
what came of it."""


class Watcher(Protocol):
    """Gets the events of `mlops up`. Events of the server come from another thread."""

    def stage_began(self, name: str) -> None:
        """A stage of a tick, or of a training, begins."""

    def server_ready(self, address: Address, steps: FirstSteps | None) -> None:
        """The server answers. `steps` is None where it died and was started again."""

    def decision_made(self, decision: Decision) -> None:
        """The loop has made a decision."""

    def warned(self, text: str) -> None:
        """Something about the day that was just measured is to be told."""

    def failed(self, error: MlopsError) -> None:
        """The server died, or a tick failed. It is tried again."""

    def idle(self, address: Address, *, seconds: float) -> None:
        """The next tick is so many seconds away; called every half second."""


@dataclass(frozen=True)
class UpSummary:
    """The duration, and the number of answers, outcomes and decisions from start to stop."""

    seconds: float
    answers: int
    outcomes: int
    decisions: int


@contextmanager
def exclusive_run(project: Project, *, port: int) -> Iterator[Hold]:
    """The role of server, which one `mlops up` or `mlops serve` of a project at a time has.

    EnvironmentFault, before any work, where no server could be started: another one runs, the port is taken, or the
    shared store does not answer.
    """
    check_no_server(project)
    with take_role(project, Role.SERVER) as role:
        listen(project.settings.serving.host, port).close()
        find_tls(project)
        open_online_store(project, [])
        yield role


class Up:
    """Server and loop of a project: `train_first`, then `run_until`. Use inside `exclusive_run`, whose `role` the
    server gets."""

    def __init__(self, project: Project, *, port: int, watcher: Watcher, role: Hold | None = None) -> None:
        self._project = project
        self._port = port
        self._role = role
        self._watcher = watcher
        self._loop = Loop(project, report=watcher.stage_began)
        self._last_error: MlopsError | None = None
        self._positions: tuple[int, ...] = ()
        self._must_reload = self._waits = False
        self._shipper = Shipper(project, self._loop.lake)
        self._waiting: list[str] = []

    def refusal_reasons(self, refusal: Decision) -> list[str]:
        """The reasons of the gates that did not pass; for a candidate identical to an earlier one, also the earlier."""
        reasons = [gate["reason"] for gate in refusal.evidence.get("gates", []) if not gate["passed"]]
        if reasons:
            return reasons
        earlier = [
            decision
            for decision in self._loop.decisions
            if decision.version == refusal.version and "gates" in decision.evidence
        ]
        return [refusal.reason, *(reason for decision in earlier for reason in self.refusal_reasons(decision))]

    def train_first(self) -> Decision | None:
        """Train the first version: the decision about it; None where a version is live already."""
        if self._loop.state.champion is not None:
            return None
        decision = self._loop.run(self._loop.now(), by=acting_person(self._loop.project))
        self._loop.act()
        return decision

    def run_until(self, stop: threading.Event, *, every: timedelta) -> UpSummary:
        """Serve, and run a tick of the loop at every interval, until `stop` or KeyboardInterrupt.

        An interrupt ends a tick wherever it is; the next one resumes it. EnvironmentFault where no server can run.
        """
        began = time.perf_counter()
        recover_journals(self._project)
        ingest_if_reachable(self._project, self._loop.lake)
        self._loop.act(new_state=True)
        ensure_token(self._project)
        answers, outcomes, decisions = *self._count(), len(self._loop.decisions)
        server_again = partial(self._watcher.server_ready, steps=None)
        with Watchdog(
            self._project,
            port=self._port,
            on_error=self._watcher.failed,
            on_restart=server_again,
            role=self._role,
        ) as watchdog:
            try:
                self._watcher.server_ready(watchdog.address, self._first_steps(watchdog.address))
                while not stop.is_set():
                    started = time.perf_counter()
                    self._try_tick()
                    self._wait(watchdog, stop, until=started + every.total_seconds())
            except KeyboardInterrupt:
                stop.set()
        ingest_if_reachable(self._project, self._loop.lake)
        self._loop.catch_up()
        now_answers, now_outcomes = self._count()
        return UpSummary(
            seconds=time.perf_counter() - began,
            answers=now_answers - answers,
            outcomes=now_outcomes - outcomes,
            decisions=len(self._loop.decisions) - decisions,
        )

    def _first_steps(self, address: Address) -> FirstSteps:
        now, lake = self._loop.now(), self._loop.lake
        return first_steps(self._project, lake, now=now, url=address.url, folder=Path.cwd())

    def _try_tick(self) -> None:
        """Run a tick if one is due. An error is reported once, and the tick is tried again at the next interval."""
        try:
            if self._must_reload:  # after an error: start from what the lake holds
                self._loop = Loop(self._project, report=self._watcher.stage_began)
                self._positions, self._must_reload = (-1,), False
            if self._is_due():
                for decision in self._loop.tick(self._loop.now(), by="loop"):
                    self._watcher.decision_made(decision)
                for text in self._loop.warnings if self._loop.measured else ():
                    self._watcher.warned(text)
                if self._loop.waiting != self._waiting:  # once: it is tried again at every interval
                    self._waiting = self._loop.waiting
                    for text in self._waiting:
                        self._watcher.warned(text)
            else:
                self._loop.follow()
            self._last_error = None
        except (MlopsError, OSError) as error:
            self._report(error if isinstance(error, MlopsError) else disk_fault(error, self._project.home))
        except Exception as error:  # a bug of ours: the server keeps running
            what = f"a tick of the loop failed: {type(error).__name__}: {error}"
            hint = "this is a bug; `MLOPS_DEBUG=1 mlops tick` shows the traceback for a report"
            self._report(EnvironmentFault(what, code="bug", hint=hint))

    def _try_follow(self) -> None:
        """Follow what the loop of another machine has decided, where several share the lake, and move what came in here
        while it is at work: it may train for long. An error is reported once, and tried again a moment later."""
        if not self._loop.lake.commits.is_shared:
            return
        try:
            self._loop.follow()
            self._shipper.ship()
            if self._waits:
                self._waits = False
                ingest_journal(self._project, self._loop.lake)
        except MlopsError as error:
            self._report(error)

    def _report(self, error: MlopsError) -> None:
        self._must_reload = True
        self._waits = error.code == "loop_locked"
        if error.code in _OF_OTHERS:
            return
        if self._last_error is None or self._last_error.as_dict() != error.as_dict():
            self._watcher.failed(error)
        self._last_error = error

    def _is_due(self) -> bool:
        """Whether time has passed. On the clock of the data, it passes only when something comes in."""
        if self._project.settings.project.clock == "wall":
            return True
        self._loop.catch_up()
        positions = ingest_journal(self._project, self._loop.lake)
        before, self._positions = self._positions, positions
        return positions != before or self._loop.state.retraining is not None

    def _wait(self, watchdog: Watchdog, stop: threading.Event, *, until: float) -> None:
        """Wait until a moment of the performance counter, or `stop`; raises the error of a server that is given up."""
        while True:
            if watchdog.fault is not None:
                raise watchdog.fault
            left = until - time.perf_counter()
            if left <= 0 or stop.is_set():
                return
            self._watcher.idle(watchdog.address, seconds=left)
            self._try_follow()
            watchdog.failed.wait(min(left, POLL_SECONDS))

    def _count(self) -> tuple[int, int]:
        """The number of predictions, and of accepted outcomes."""
        lake = self._loop.lake
        answers = PREDICTIONS.read(lake, columns=["at"]).height if PREDICTIONS.exists(lake) else 0
        if not OUTCOMES.exists(lake):
            return answers, 0
        verdicts = OUTCOMES.read(lake, columns=["verdict"])
        return answers, verdicts.filter(pl.col("verdict") == Verdict.ACCEPTED).height
