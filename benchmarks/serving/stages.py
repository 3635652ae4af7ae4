"""Where the time of a request goes: our application, called as the HTTP protocol does, with a clock around its stages.

Usage: stages.py PROJECT BODIES; prints JSON: by how many requests are under way at once, and by stage, microseconds a
request. A stage's time is its own: what it spends in another stage counts there. What the clock itself costs
is taken off.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import uvloop

from mlops_lab.features.memory import MemoryStore
from mlops_lab.inference.feature_reader import FeatureReader
from mlops_lab.inference.predictor import Predictor
from mlops_lab.journal import records
from mlops_lab.journal.writer import Journal
from mlops_lab.project import load_project
from mlops_lab.serving.answering import worker_state
from mlops_lab.serving.answering.answerer import Answerer
from mlops_lab.serving.answering.counts import WorkerCounts
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.process.app import App
from mlops_lab.serving.protocols import predictions

STAGES: list[tuple[str, Any, str]] = [
    ("decode, check the contract", predictions, "decode_body"),
    ("ids, locks, batches", Service, "answer"),
    ("route, assemble", Answerer, "answer"),
    ("look up", FeatureReader, "read"),
    ("look up", MemoryStore, "read"),
    ("derive", FeatureReader, "_derive"),
    ("score", Predictor, "score_rows"),
    ("encode the record", records, "encode_frame"),
    ("append to the log", Journal, "append"),
    ("update the worker state", worker_state.WorkerState, "_apply"),
    ("encode the answer", predictions, "encode"),
    ("count", WorkerCounts, "note_answers"),
    ("count", WorkerCounts, "note_request"),
]
REST = "application, event loop"
AT_ONCE = (1, 16)
ROUNDS, REQUESTS = 7, 2400


class Clock:
    """Adds up the time of each stage, without nested stages."""

    def __init__(self) -> None:
        self.nanoseconds: defaultdict[str, int] = defaultdict(int)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._nested = [0]

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""
        nested, nanoseconds, calls = self._nested, self.nanoseconds, self.calls

        def timed(*arguments: Any, **named: Any) -> Any:
            nested.append(0)
            began = perf_counter_ns()
            try:
                return function(*arguments, **named)
            finally:
                took = perf_counter_ns() - began
                nanoseconds[stage] += took - nested.pop()
                nested[-1] += took
                calls[stage] += 1

        return timed

    def reset(self) -> None:
        """Start again at zero."""
        self.nanoseconds.clear()
        self.calls.clear()


def measure_cost() -> float:
    """The nanoseconds that a clock around a call costs."""
    timed = Clock().around("", _nothing)
    costs = []
    for _ in range(ROUNDS):
        began = perf_counter_ns()
        for _ in range(REQUESTS):
            timed(None)
        costs.append((perf_counter_ns() - began) / REQUESTS)
    return min(costs)


def _nothing(_: object) -> None:
    pass


class RequestGroup:
    """Some requests that arrive together, and the end of their last response."""

    def __init__(self, requests: int) -> None:
        self._missing = requests
        self.done = asyncio.get_running_loop().create_future()

    def note(self, status: int) -> None:
        """One more has its response."""
        self._missing -= 1
        if status != 200:
            self.done.set_exception(RuntimeError(f"the application answers {status}"))
        elif not self._missing:
            self.done.set_result(None)


class InProcessRequest:
    """One request, as the server's HTTP protocol hands it to the application (`serving.http.fast_path.FastRequest`)."""

    __slots__ = ("_group", "body", "headers")

    def __init__(self, body: bytes, group: RequestGroup) -> None:
        self.headers = [(b"host", b"127.0.0.1"), (b"content-length", b"%d" % len(body))]
        self.body = body
        self._group = group

    def respond(self, response: Any) -> None:
        """Where a response would go to the socket."""
        self._group.note(response.status)


async def run_once(app: App, bodies: list[bytes], *, at_once: int) -> float:
    """Nanoseconds a request, where so many arrive together."""
    began = perf_counter_ns()
    for start in range(0, REQUESTS, at_once):
        group = RequestGroup(at_once)
        for number in range(start, start + at_once):
            app.answer_fast(InProcessRequest(bodies[number % len(bodies)], group))
        await group.done
    return (perf_counter_ns() - began) / REQUESTS


async def measure(app: App, bodies: list[bytes], clock: Clock, cost: float) -> dict[str, dict[str, float]]:
    """By how many requests are under way at once and by stage, microseconds a request."""
    by_concurrency = {}
    for at_once in AT_ONCE:
        await run_once(app, bodies, at_once=at_once)
        rounds: list[dict[str, float]] = []
        for _ in range(ROUNDS):
            clock.reset()
            whole = await run_once(app, bodies, at_once=at_once)
            own_ns = {stage: spent - cost * clock.calls[stage] for stage, spent in clock.nanoseconds.items()}
            stages = {stage: max(0.0, own_ns.get(stage, 0.0)) / REQUESTS for stage, _, _ in STAGES}
            clocks = cost * sum(clock.calls.values()) / REQUESTS
            rounds.append({**stages, REST: max(0.0, whole - clocks - sum(stages.values()))})
        fastest = min(rounds, key=lambda one: sum(one.values()))  # the one that others on the machine disturbed least
        by_concurrency[str(at_once)] = {stage: spent / 1e3 for stage, spent in fastest.items()}
    return by_concurrency


def main() -> None:
    project = load_project(Path(sys.argv[1]), flags=["serving.durability=async"])
    bodies = Path(sys.argv[2]).read_bytes().splitlines()
    clock, cost = Clock(), measure_cost()
    for stage, owner, name in STAGES:
        setattr(owner, name, clock.around(stage, getattr(owner, name)))
    service = Service(project, read_routing_table(project.deployment_path))
    app = App(service, authorizer=Authorizer(project))
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the server has it
    print(json.dumps(uvloop.run(measure(app, bodies, clock, cost))))


if __name__ == "__main__":
    main()
