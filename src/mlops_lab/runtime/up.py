"""Server and loop together, until told to stop: what `mlops up` does."""

from __future__ import annotations

import fcntl
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
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision
from mlops_lab.runtime.first_steps import FirstSteps, first_steps
from mlops_lab.serving.answering.online_store import open_online_store
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.address import Address, check_no_server, listen
from mlops_lab.serving.process.tls import find_tls
from mlops_lab.serving.process.watchdog import Watchdog
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.verdict import Verdict

LOOK_SECONDS = 0.5


class Watcher(Protocol):
    """Is told what happens; the server's news come from another thread."""

    def stage(self, name: str) -> None:
        """A stage of a turn, or of a training, begins."""

    def ready(self, address: Address, steps: FirstSteps | None) -> None:
        """The server answers; None for `steps`: again, after it had died."""

    def decided(self, decision: Decision) -> None:
        """The loop has made a decision."""

    def failed(self, error: MlopsError) -> None:
        """The server died, or a turn failed: it is tried again."""

    def rests(self, address: Address, *, seconds: float) -> None:
        """Nothing to do for so many seconds; told again and again."""


@dataclass(frozen=True)
class UpSummary:
    """What was done from start to stop."""

    seconds: float
    answers: int
    outcomes: int
    decisions: int


@contextmanager
def alone(project: Project, *, port: int) -> Iterator[None]:
    """Held by one `mlops up` of a project at a time; EnvironmentFault, before any work, where the server could not be
    started: another one runs, the port is taken, the shared store does not answer."""
    try:
        project.home.mkdir(exist_ok=True)
        lock = (project.home / "up.lock").open("w")
    except OSError as error:
        raise disk_fault(error, project.home) from error
    with lock:
        check_no_server(project)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFault(
                "another `mlops up` of this project is running, and about to start its server",
                code="journal_locked",
                where=str(project.root),
                hint="stop it first: only one may write the journal",
            ) from None
        listen(project.settings.serving.host, port).close()
        find_tls(project)
        open_online_store(project, [])
        yield


class Up:
    """One stay of server and loop: `train_first`, then `stay`. Use inside `alone`."""

    def __init__(self, project: Project, *, port: int, watcher: Watcher) -> None:
        self._project = project
        self._port = port
        self._watcher = watcher
        self._loop = Loop(project, report=watcher.stage)
        self._told: MlopsError | None = None
        self._positions: tuple[int, ...] = ()
        self._stale = False

    def why_refused(self, refusal: Decision) -> list[str]:
        """The reasons of the gates that said no; where it is the same candidate again, those of the first time."""
        reasons = [gate["reason"] for gate in refusal.evidence.get("gates", []) if not gate["passed"]]
        if reasons:
            return reasons
        before = [one for one in self._loop.decisions if one.version == refusal.version and "gates" in one.evidence]
        return [refusal.reason, *(reason for one in before for reason in self.why_refused(one))]

    def train_first(self) -> Decision | None:
        """The decision about the first version; None where one is live already."""
        if self._loop.state.champion is not None:
            return None
        decision = self._loop.run(self._loop.now(), by="mlops up")
        self._loop.act()
        return decision

    def stay(self, stop: threading.Event, *, every: timedelta) -> UpSummary:
        """Serve and turn the loop until `stop` or KeyboardInterrupt; EnvironmentFault where no server can be had.

        An interrupt ends a turn wherever it is: the next one goes on there.
        """
        began = time.perf_counter()
        ingest_journal(self._project, self._loop.lake)
        self._loop.act(new_state=True)
        ensure_token(self._project)
        answers, outcomes, decisions = *self._count(), len(self._loop.decisions)
        again = partial(self._watcher.ready, steps=None)
        with Watchdog(self._project, port=self._port, on_error=self._watcher.failed, on_restart=again) as keeper:
            try:
                self._watcher.ready(keeper.address, self._first_steps(keeper.address))
                while not stop.is_set():
                    started = time.perf_counter()
                    self._turn()
                    self._rest(keeper, stop, until=started + every.total_seconds())
            except KeyboardInterrupt:
                stop.set()
        ingest_journal(self._project, self._loop.lake)
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

    def _turn(self) -> None:
        """One turn; what goes wrong is told once, and tried again at the next."""
        try:
            if self._stale:  # what is so is read anew, and acted on again
                self._loop = Loop(self._project, report=self._watcher.stage)
                self._positions, self._stale = (-1,), False
            if self._is_due():
                for decision in self._loop.tick(self._loop.now(), by="loop"):
                    self._watcher.decided(decision)
            self._told = None
        except (MlopsError, OSError) as error:
            self._tell(error if isinstance(error, MlopsError) else disk_fault(error, self._project.home))
        except Exception as error:  # a bug of ours: the server goes on all the same
            what = f"a turn of the loop failed: {type(error).__name__}: {error}"
            hint = "this is a bug of ours; `MLOPS_DEBUG=1 mlops tick` shows the trace for a report"
            self._tell(EnvironmentFault(what, code="bug", hint=hint))

    def _tell(self, error: MlopsError) -> None:
        self._stale = True
        if error.code == "decided_meanwhile":  # somebody typed `mlops rollback`: the next turn knows
            return
        if self._told is None or self._told.as_dict() != error.as_dict():
            self._watcher.failed(error)
        self._told = error

    def _is_due(self) -> bool:
        """Whether time has gone on: where it is the data's, it stands still until something comes in."""
        if self._project.settings.project.clock == "wall":
            return True
        self._loop.catch_up()
        positions = ingest_journal(self._project, self._loop.lake)
        before, self._positions = self._positions, positions
        return positions != before or self._loop.state.retraining is not None

    def _rest(self, keeper: Watchdog, stop: threading.Event, *, until: float) -> None:
        while True:
            if keeper.fault is not None:
                raise keeper.fault
            left = until - time.perf_counter()
            if left <= 0 or stop.is_set():
                return
            self._watcher.rests(keeper.address, seconds=left)
            keeper.failed.wait(min(left, LOOK_SECONDS))

    def _count(self) -> tuple[int, int]:
        lake = self._loop.lake
        answers = PREDICTIONS.read(lake, columns=["at"]).height if PREDICTIONS.exists(lake) else 0
        if not OUTCOMES.exists(lake):
            return answers, 0
        verdicts = OUTCOMES.read(lake, columns=["verdict"])
        return answers, verdicts.filter(pl.col("verdict") == Verdict.ACCEPTED).height
