"""The decisions of a project as a process knows them: read, written, and put into effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.now import current_moment, load_first
from mlops_lab.lake import Lake
from mlops_lab.loop.act import name_champion, record_decision
from mlops_lab.loop.approval import check_approved
from mlops_lab.loop.clock import check_moment
from mlops_lab.loop.verdict import write_verdict_of_decision
from mlops_lab.project import Project
from mlops_lab.project.owners import Hold, Role, take_role
from mlops_lab.rollout.compatibility import check_live_versions, check_schema
from mlops_lab.rollout.decision_log import read_decisions, witness
from mlops_lab.rollout.decisions import Decision, RolloutState, apply, fold
from mlops_lab.rollout.deploy import check_deployable, deploy, is_followed
from mlops_lab.rollout.shared_packages import fetch_packages, named_versions, send_packages
from mlops_lab.rollout.versions import find_unreadable
from mlops_lab.serving.answering.routing_table import RoutingTable
from mlops_lab.tables.declared import DECISIONS
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.progress import Report, silent

LOOP_LOCK = "loop"
"""The lock that the loops of several machines share."""
TURN_SECONDS = 10.0
"""How long a loop waits for another one that is at work: for a tick, but not for a training."""


@dataclass
class Decider:
    """Reads the state of a project from its lake, writes decisions, and has servers follow them. A process that reads
    what others decided meanwhile goes on from there."""

    project: Project
    report: Report = silent
    lake: Lake = field(init=False)
    decisions: list[Decision] = field(init=False)
    state: RolloutState = field(init=False)
    _made: list[Decision] = field(init=False, default_factory=list)
    """The decisions of the last tick."""
    _deployed: RoutingTable | None = field(init=False, default=None)
    _unreadable: Mapping[int, EnvironmentFault] = field(init=False, default_factory=dict)
    _turn: Hold | None = field(init=False, default=None)
    _is_checked: bool = field(init=False, default=False)
    _loaded: list[object] | None = field(init=False, default=None)
    """The stamps of the data that was loaded for the first time to know what "now" is."""

    def __post_init__(self) -> None:
        self.lake = open_lake(self.project)
        self.decisions = read_decisions(self.lake)
        self.state = fold(self.decisions)
        self._join()

    def now(self) -> datetime:
        """What "now" is for this project: the machine's time, or just after the newest moment its tables know of."""
        self._loaded = load_first(self.project, self.lake) or self._loaded
        return current_moment(self.project, self.lake)

    def moment(self, at: datetime | None) -> datetime:
        """The moment `at`, or now. InvalidInput where it lies so far ahead that it must be a mistake."""
        return check_moment(at, now=self.now())

    def check_schema(self) -> None:
        """Conflict where `mlops.toml` declares what neither the stored rows nor the live versions fit."""
        check_live_versions(self.project, self.decisions, self.state)
        if not self._is_checked:
            check_schema(self.project, self.lake, self.decisions)
        self._is_checked = True

    def record(self, decision: Decision) -> None:
        """Write a decision down; Refused where another process has decided something meanwhile."""
        record_decision(self.lake, decision, earlier=len(self.decisions))
        self.decisions.append(decision)
        self._made.append(decision)
        self.state = apply(self.state, decision)

    def act(self, *, new_state: bool = False) -> None:
        """Make the routing table what the decisions say; with `new_state`, servers start from all the lake knows."""
        self.catch_up()
        self._deployed = deploy(
            self.project, self.lake, decisions=self.decisions, state=self.state, new_state=new_state
        )
        write_verdict_of_decision(self.project, self.lake, self.decisions, self.state)
        self._unreadable = find_unreadable(self.project, self.decisions, self.state)

    def follow(self) -> None:
        """Make the routing table what the decisions say, where it is not what this loop has made it: another process
        has decided something, was interrupted, or a package that could not be read may be back."""
        self.catch_up()
        is_newest = self._deployed is not None and self._deployed.generation == self.state.generation
        if not is_newest or self._unreadable or not is_followed(self.project, self._deployed):
            self.act()

    def name_champion(self) -> None:
        """Make MLflow's alias `champion` what the decisions say. It takes some seconds, so call it after `act`."""
        self.catch_up()
        name_champion(self.project, self.decisions, self.state)

    def catch_up(self) -> None:
        """Read what other processes have decided since this loop read the decisions."""
        self.lake.commits.look(DECISIONS.name)
        if DECISIONS.position(self.lake, DECISIONS.name) > len(self.decisions):
            self.decisions = read_decisions(self.lake)
            self.state = fold(self.decisions)
            self._join()

    def _join(self) -> None:
        """Have here what the decisions of other machines need, and there what those of this one need, where several
        share the lake."""
        witness(self.lake)
        named = named_versions(self.decisions, self.state)
        fetch_packages(self.project, self.lake, named)
        with self.lake.commits.tolerating():
            send_packages(self.project, self.lake, named)

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        """The role of loop, which one process of the project at a time has; this loop keeps it where it has it."""
        if self._turn is not None:
            yield
            return
        shared = self.lake.commits.shared_lock(LOOP_LOCK, wait_seconds=TURN_SECONDS)
        with take_role(self.project, Role.LOOP, wait_seconds=TURN_SECONDS) as self._turn, shared:
            try:
                self.lake.refresh()
                yield
            finally:
                self._turn = None

    def _decide_for_person(self, decision: Decision) -> Decision:
        """Record what a person decides and act on it; an error, and nothing is decided, where servers could not follow,
        or where it needs the approval of others."""
        decision = check_approved(self.project, self.decisions, self.state, decision)
        check_deployable(self.project, self.decisions, apply(self.state, decision))
        return self._record_and_act(decision)

    def _record_and_act(self, decision: Decision) -> Decision:
        self.record(decision)
        self.act()
        return decision
