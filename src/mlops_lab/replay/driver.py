"""The replay: a year of requests and outcomes against a real server, a turn of the loop at the end of every day."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from mlops_lab.clock import to_micros
from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.replay.client import Answer, Client
from mlops_lab.replay.stopwatch import Stopwatch
from mlops_lab.replay.world import Stream
from mlops_lab.rollout.decisions import Decision
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.server_process import ServerProcess
from mlops_lab.tables.declared import MEASUREMENTS

RESTARTS = 5
DEPLOY_PATIENCE_SECONDS = 20.0
_encode = msgspec.json.encode


@dataclass
class ReplayProgress:
    """What a watcher sees while the replay runs."""

    day: date | None = None
    days_done: int = 0
    days: int = 0
    stage: str = ""
    sent: int = 0
    requests_per_second: float = 0.0
    log_loss: float | None = None
    decisions: list[Decision] = field(default_factory=list)


class Replay:
    """One replay of a stream against the loop of a project. Run again after a kill, it goes on where it was."""

    def __init__(
        self, project: Project, stream: Stream, *, watch: Callable[[ReplayProgress], None], stopwatch: Stopwatch
    ) -> None:
        self._project = project
        self._stream = stream
        self._watch = watch
        self._stopwatch = stopwatch
        self.progress = ReplayProgress(days=len(stream.days))
        self.loop = Loop(project, report=self._enter)

    def run(self) -> None:
        """Bootstrap, then day by day to the end, then the outcomes that become known after it."""
        self._bootstrap()
        days = [day for day in self._stream.days if not self._is_done(day)]
        self.progress.days_done = len(self._stream.days) - len(days)
        self.progress.sent = self._stream.count(until=self._stream.bounds(days[0])[0] if days else self._stream.end)
        failures = 0
        while True:
            try:
                with self._server() as client:
                    while days:
                        self._play_day(days[0], client)
                        failures = 0
                        days.pop(0)
                    self._deliver_remainder(client)
                break
            except ConnectionError as error:  # the server is gone: start it again and repeat the day
                failures += 1
                if failures > RESTARTS:
                    raise EnvironmentFault(
                        f"the server went away {failures} times in one day: {error}",
                        code="server_gone",
                        where=str(self._project.home / "server.log"),
                        hint="read its log, then go on with `mlops demo --resume`",
                    ) from error
        self._enter("ingest")
        ingest_journal(self._project, self.loop.lake)
        self.loop.act()

    def _bootstrap(self) -> None:
        if self.loop.state.champion is None:
            # a killed bootstrap has left its decision to retrain: `run` picks it up
            self._note([self.loop.run(self._stream.start, by="the demo")])
            if self.loop.state.champion is None:
                refusal = self.loop.decisions[-1]
                raise EnvironmentFault(f"the first version was refused: {refusal.reason}", code="bootstrap_refused")

    @contextmanager
    def _server(self) -> Iterator[Client]:
        self._enter("start server")
        ingest_journal(self._project, self.loop.lake)
        self.loop.act(fresh=True)
        with ServerProcess(self._project) as server:
            address = server.address
            client = Client(address.reached_at, address.port, token=ensure_token(self._project), tls=address.trust())
            try:
                self._await_deployment(client)
                yield client
            finally:
                client.close()

    def _play_day(self, day: date, client: Client) -> None:
        self._enter("requests")
        self.progress.day = day
        began, sent = time.perf_counter(), 0
        oldest: datetime | None = None
        for minute in self._stream.play(day):
            if oldest is not None and minute.at - oldest >= self._stream.soonest_outcome:
                _check(client.drain())  # nobody tells what became of a request that is not answered yet
                oldest = None
            if minute.outcomes:
                self._post_rows(client, "/v1/outcomes", {"outcomes": minute.outcomes})
            if minute.weather:
                self._post_rows(client, "/v1/tables/weather/rows", {"rows": minute.weather})
            if minute.requests:
                # time goes on while they are answered: what became known later cannot change what they see
                _check(client.send("/v1/predict", minute.requests))
                sent += len(minute.requests)
                oldest = oldest or minute.at
        _check(client.drain())
        self.progress.requests_per_second = sent / (time.perf_counter() - began)
        self.progress.sent += sent
        _, end = self._stream.bounds(day)
        decisions = self.loop.tick(end, by="loop")
        if decisions:
            self._enter("deploy")
            self._await_deployment(client)
        self.progress.days_done += 1
        self.progress.log_loss = self.loop.last_log_loss
        self._note(decisions)

    def _deliver_remainder(self, client: Client) -> None:
        self._enter("requests")
        remaining = self._stream.remainder()
        for start in range(0, len(remaining), 500):
            self._post_rows(client, "/v1/outcomes", {"outcomes": remaining[start : start + 500]})

    def _post_rows(self, client: Client, path: str, body: dict[str, Any]) -> None:
        answer = client.call("POST", path, _encode(body))
        _check([answer])
        if problems := msgspec.json.decode(answer[1]).get("problems"):
            problem = problems[0]
            raise MlopsError(problem["what"], code=problem["code"], where=problem["where"], hint=problem["hint"])

    def _await_deployment(self, client: Client) -> None:
        """Wait until the server answers by the present routing table, so that every run routes every request alike."""
        wanted = read_routing_table(self._project.deployment_path).generation
        waited = 0.0
        while True:
            answer = client.call("GET", "/v1/status")
            _check([answer])
            told = msgspec.json.decode(answer[1])
            if told["generation"] == wanted:
                return
            if waited > DEPLOY_PATIENCE_SECONDS:
                raise EnvironmentFault(
                    f"the server still follows generation {told['generation']} of {wanted}: {told['deployment_error']}",
                    code="not_deployed",
                    hint="read server.log in the project's .mlops folder",
                )
            time.sleep(0.02)
            waited += 0.02

    def _is_done(self, day: date) -> bool:
        return MEASUREMENTS.position(self.loop.lake, "tick") >= to_micros(self._stream.bounds(day)[1])

    def _enter(self, stage: str) -> None:
        self._stopwatch.start(stage)
        self.progress.stage = stage
        self._watch(self.progress)

    def _note(self, decisions: list[Decision]) -> None:
        self.progress.decisions.extend(decisions)
        self._watch(self.progress)


def _check(answers: list[Answer]) -> None:
    for status, body in answers:
        if status != 200:
            error = msgspec.json.decode(body)["error"]
            raise EnvironmentFault(error["what"], code=error["code"], where=error["where"], hint=error["hint"])
