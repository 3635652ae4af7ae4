"""Several processes decide, act, follow and are killed, in any order: servers end with the champion of the decisions.

A process is a `Loop` that does its steps one by one; between two of them others do theirs. Replacing the routing table
is one step, as its lock makes it one; what a process knows when it does so may be as old as one likes.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.errors import MlopsError, Refused
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import read_decisions, write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.rollout.deploy import deploy
from mlops_lab.serving.answering.routing_table import RoutingTable, read_routing_table
from mlops_lab.serving.answering.service import Prepared, Service

PROCESSES, SERVERS = 3, 2
KINDS = ["roll_back", "shadow", "supersede", "canary", "promote", "confirm", "expire", "split", "retrain"]


class World:
    """A project with two champions behind it, some processes that decide, and two servers."""

    def __init__(self, tiny: Any, folder: Path) -> None:
        self.project: Project = load_project(Path(shutil.copytree(tiny.project.root, folder / "project")))
        evidence = {"package": "package", "fingerprint": tiny.fingerprint}
        first = Decision(tiny.now, DecisionKind.BOOTSTRAP, 1, "gates", "reason", "test", evidence)
        self.lake = Lake(self.project.lake_path)
        for number, (what, version) in enumerate([("bootstrap", 1), ("promote", 2), ("promote", 3)]):
            decision = replace(first, what=DecisionKind(what), version=version)
            assert write_decision(self.lake, decision, earlier=number)
        self.first, self.newest_version = first, 3
        self.processes: list[Loop | None] = [None] * PROCESSES
        Loop(self.project).act()
        self.servers = [Service(self.project, self.table, worker=number, workers=SERVERS) for number in range(SERVERS)]
        self.prepared: list[Prepared | None] = [None] * SERVERS
        self.generations = [self.table.generation] * (SERVERS + 1)

    @property
    def table(self) -> RoutingTable:
        return read_routing_table(self.project.deployment_path)

    # ---- what a process does -----------------------------------------------------------------------------------------

    def read(self, process: int) -> None:
        """It starts: it reads the decisions."""
        self.processes[process] = Loop(self.project)

    def decide(self, process: int, kind: str) -> None:
        """It records a decision that follows from what it knows, if there is one; if others were faster, it ends."""
        loop = self.processes[process]
        if loop is None or (decision := self._decision(loop, DecisionKind(kind))) is None:
            return
        try:
            loop.record(decision)
        except Refused as refusal:
            assert refusal.code == "decided_meanwhile"
            assert refusal.hint
            self.processes[process] = None

    def _decision(self, loop: Loop, what: DecisionKind) -> Decision | None:
        state, version = loop.state, loop.state.challenger
        if what is DecisionKind.ROLL_BACK:
            version = state.challenger or next(iter(state.previous[-1:]), None)
        elif what is DecisionKind.SPLIT:
            version = 1 if state.champion != 1 else 2
        elif what is DecisionKind.CONFIRM:
            version = state.champion
        elif what in {DecisionKind.SHADOW, DecisionKind.SUPERSEDE}:
            if (state.stage is None) != (what is DecisionKind.SHADOW):
                return None
            version = self.newest_version = self.newest_version + 1
        if version is None and what is not DecisionKind.RETRAIN:
            return None
        evidence = {**self.first.evidence, "share": 0.25, "watch_days": 7} if what is not DecisionKind.RETRAIN else {}
        return replace(self.first, what=what, version=version, evidence=evidence)

    def act(self, process: int) -> None:
        """It makes the routing table what the decisions say."""
        if (loop := self.processes[process]) is not None:
            loop.act()

    def act_as_known(self, process: int, new_state: bool) -> None:
        """The same, with what it read at its start and has decided itself."""
        if (loop := self.processes[process]) is not None:
            deploy(self.project, self.lake, decisions=loop.decisions, state=loop.state, new_state=new_state)

    def follow(self, process: int) -> None:
        """What a process that runs for long does between ticks."""
        if (loop := self.processes[process]) is not None:
            loop.follow()

    def kill(self, process: int) -> None:
        self.processes[process] = None

    # ---- what a server does ------------------------------------------------------------------------------------------

    def load(self, server: int) -> None:
        """It reads the table, and loads what it needs."""
        self.prepared[server] = self.servers[server].prepare(self.table)

    def switch(self, server: int) -> None:
        """It answers by what it has loaded."""
        if (prepared := self.prepared[server]) is not None:
            self.servers[server].switch_to(prepared)
            self.prepared[server] = None

    # ---- what must hold ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """No generation goes back, and a table says what its decisions say."""
        now = [self.table.generation, *(service.models.routing_table.generation for service in self.servers)]
        assert all(after >= before for before, after in zip(self.generations, now, strict=True)), (
            self.generations,
            now,
        )
        self.generations = now
        decisions = read_decisions(self.lake)
        assert [decision.version for decision in decisions] == [
            decision.version for decision in Loop(self.project).decisions
        ]
        for table in (self.table, *(service.models.routing_table for service in self.servers)):
            state = fold(decisions[: table.generation])
            assert table.champion.version == state.champion
            in_shadow = state.challenger or (state.watch and state.watch.version)
            assert (table.challenger and table.challenger.version) == in_shadow

    def end(self) -> None:
        """Everybody comes to rest: one tick, and each server follows."""
        Loop(self.project).follow()
        champion = fold(read_decisions(self.lake)).champion
        for number, service in enumerate(self.servers):
            self.switch(number)
            self.load(number)
            self.switch(number)
            assert service.models.champion.version == champion
            assert service.models.routing_table.generation == len(read_decisions(self.lake))
        self.check()


@contextmanager
def world_of(tiny: Any) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(tiny, Path(folder))
        try:
            yield world
        finally:
            for service in world.servers:
                service.close()


processes = st.integers(0, PROCESSES - 1)
servers = st.integers(0, SERVERS - 1)
steps = st.one_of(
    st.tuples(st.just("read"), processes),
    st.tuples(st.just("decide"), processes, st.sampled_from(KINDS)),
    st.tuples(st.sampled_from(["act", "follow", "kill"]), processes),
    st.tuples(st.just("act_as_known"), processes, st.booleans()),
    st.tuples(st.sampled_from(["load", "switch"]), servers),
)


@examples(20)
@given(st.lists(steps, max_size=25))
def test_servers_end_with_the_champion_of_the_decisions(tiny: Any, doing: list[tuple[Any, ...]]) -> None:
    with world_of(tiny) as world:
        for name, *arguments in doing:
            getattr(world, name)(*arguments)
            world.check()
        world.end()


Step = Callable[[World], None]
TICK: list[Step] = [lambda world: world.read(0), lambda world: world.act_as_known(0, False)]
ROLLBACK: list[Step] = [
    lambda world: world.read(1),
    lambda world: world.decide(1, "roll_back"),
    lambda world: world.act_as_known(1, False),
]
KILLED = ROLLBACK[:2]
START: list[Step] = [lambda world: world.read(2), lambda world: world.act_as_known(2, True)]


def orders(*programs: list[Step]) -> list[list[Step]]:
    """All orders of the steps of some programs, each of which does its own in turn."""
    names = [number for number, program in enumerate(programs) for _ in program]
    found = []
    for order in sorted(set(itertools.permutations(names))):
        left = [iter(program) for program in programs]
        found.append([next(left[number]) for number in order])
    return found


@pytest.mark.parametrize(
    ("rollback", "other"),
    [
        pytest.param(ROLLBACK, TICK, id="whole, a tick"),
        pytest.param(KILLED, START, id="killed before it acted, a start"),
        pytest.param(ROLLBACK, START, id="whole, a start", marks=pytest.mark.slow),
        pytest.param(KILLED, TICK, id="killed before it acted, a tick", marks=pytest.mark.slow),
    ],
)
def test_a_rollback_beside_another_command_in_every_order(tiny: Any, other: list[Step], rollback: list[Step]) -> None:
    """A tick that had read the decisions before a rollback restored the bad champion, for ever."""
    for order in orders(other, rollback):
        with world_of(tiny) as world:
            for step in order:
                step(world)
                world.check()
            world.end()
            assert world.table.champion.version == 2


def test_decisions_at_the_same_time_end_as_decided_meanwhile(tiny: Any) -> None:
    with world_of(tiny) as world:
        for _ in range(5):
            loops = [Loop(world.project) for _ in range(4)]
            told: list[Decision | MlopsError] = []
            together = threading.Barrier(len(loops))

            def split(loop: Loop, version: int, told: list[Any] = told, together: Any = together) -> None:
                together.wait()
                try:
                    told.append(loop.split(world.first.at, version, share=0.1, by="test"))
                except MlopsError as refusal:
                    told.append(refusal)

            threads = [threading.Thread(target=split, args=(loop, 1 + number % 2)) for number, loop in enumerate(loops)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            errors = [item for item in told if isinstance(item, MlopsError)]
            assert len(told) == len(loops)
            assert len(errors) < len(loops), "somebody decides"
            assert {(error.code, error.exit_code) for error in errors} <= {("decided_meanwhile", 1)}
            assert world.table.generation == len(read_decisions(world.lake))
        world.end()
