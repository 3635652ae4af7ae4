"""The replay: a past span of requests and outcomes against a real server, with a tick of the loop after every day."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from mlops_lab.clock import EPOCH
from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.days import measured_until
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.replay.client import Client, StatusAndBody
from mlops_lab.replay.stopwatch import Stopwatch
from mlops_lab.replay.stream import Stream
from mlops_lab.rollout.decisions import Decision
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.server_process import ServerProcess

MAX_RESTARTS = 5
DEPLOY_TIMEOUT_SECONDS = 20.0
_encode = msgspec.json.encode


@dataclass
class ReplayProgress:
    """The progress of a replay, given to a watcher while it runs."""

    day: date | None = None
    days_done: int = 0
    days: int = 0
    stage: str = ""
    sent: int = 0
    requests_per_second: float = 0.0
    log_loss: float | None = None
    decisions: list[Decision] = field(default_factory=list)


class Replay:
    """One replay of a stream against the loop of a project. After a kill, a further run continues where it stopped."""

    def __init__(
        self, project: Project, stream: Stream, *, watch: Callable[[ReplayProgress], None], stopwatch: Stopwatch
    ) -> None:
        self._project = project
        self.stream = stream
        self._watch = watch
        self._stopwatch = stopwatch
        self.progress = ReplayProgress(days=len(stream.days))
        self.moment = stream.start
        """Up to where the stream was sent."""
        self.loop = Loop(project, report=self._start_stage)

    def run(self) -> None:
        """Bootstrap, then day by day to the end, then the outcomes that become known after it."""
        self.bootstrap()
        days = [day for day in self.stream.days if not self._is_done(day)]
        self.progress.days_done = len(self.stream.days) - len(days)
        self.progress.sent = self.stream.count(until=self.stream.bounds(days[0])[0] if days else self.stream.end)
        failures = 0
        while True:
            try:
                with self.serve() as client:
                    self._finish_training()
                    while days:
                        self.play_day(days[0], client)
                        failures = 0
                        days.pop(0)
                    self._deliver_remainder(client)
                break
            except ConnectionError as error:  # the server is gone: start it again and repeat the day
                failures += 1
                if failures > MAX_RESTARTS:
                    raise EnvironmentFault(
                        f"the server stopped {failures} times in one day: {error}",
                        code="server_gone",
                        where=str(self._project.home / "server.log"),
                        hint="read its log, then continue with `mlops demo --resume`",
                    ) from error
        self._start_stage("ingest")
        ingest_journal(self._project, self.loop.lake)
        self.loop.act()

    def bootstrap(self) -> None:
        """Train the first version, where none is live. EnvironmentFault where its gates refuse it."""
        if self.loop.state.champion is None:
            # a bootstrap that was killed has left its decision to retrain: `run` continues from it
            self._report_decisions([self.loop.run(self.stream.start, by="the demo")])
            if self.loop.state.champion is None:
                refusal = self.loop.decisions[-1]
                raise EnvironmentFault(f"the first version was refused: {refusal.reason}", code="bootstrap_refused")

    def _finish_training(self) -> None:
        """Finish a training that was killed after its day had been measured."""
        if (retraining := self.loop.state.retraining) is not None:
            self._report_decisions(self.loop.tick(retraining.at, by="loop"))

    @contextmanager
    def serve(self) -> Iterator[Client]:
        """A server of the project, and a client of it."""
        self._start_stage("start server")
        ingest_journal(self._project, self.loop.lake)
        self.loop.act(new_state=True)
        with ServerProcess(self._project) as server:
            address = server.address
            client = Client(
                address.local_host, address.port, token=ensure_token(self._project), tls=address.ssl_context()
            )
            try:
                self._await_routing_table(client)
                yield client
            finally:
                client.close()

    def play_day(self, day: date, client: Client) -> None:
        """Send what happened on a day, then run the tick after it."""
        self._start_stage("requests")
        self.progress.day = day
        start, sent = time.perf_counter(), 0
        for stretch in self.stream.play(day):
            self.take(client.drain())  # an outcome must not arrive before its request is answered
            self.moment = stretch.end
            if stretch.outcomes:
                self._post_rows(client, "/v1/outcomes", {"outcomes": stretch.outcomes})
            for table, rows in stretch.rows.items():
                if rows:
                    self._post_rows(client, f"/v1/tables/{table}/rows", {"rows": rows})
            self.take(client.send("/v1/predict", stretch.requests))
            sent += len(stretch.requests)
        self.take(client.drain())
        self.progress.requests_per_second = sent / (time.perf_counter() - start)
        self.progress.sent += sent
        _, end = self.stream.bounds(day)
        decisions = self.tick(end)
        if decisions:
            self._start_stage("deploy")
            self._await_routing_table(client)
        self.progress.days_done += 1
        self.progress.log_loss = self.loop.last_log_loss
        self._report_decisions(decisions)

    def tick(self, end: datetime) -> list[Decision]:
        """The decisions of the tick after the day that ended at `end`."""
        return self.loop.tick(end, by="loop")

    def take(self, responses: list[StatusAndBody]) -> None:
        """Look at responses: raise the error of the first one that is not a success."""
        _check(responses)

    def take_problems(self, problems: list[dict[str, Any]]) -> None:
        """Raise the first of the problems that a server had with rows or outcomes."""
        problem = problems[0]
        raise MlopsError(problem["what"], code=problem["code"], where=problem["where"], hint=problem["hint"])

    def _deliver_remainder(self, client: Client) -> None:
        self._start_stage("requests")
        remaining = self.stream.remainder()
        for start in range(0, len(remaining), 500):
            self._post_rows(client, "/v1/outcomes", {"outcomes": remaining[start : start + 500]})

    def _post_rows(self, client: Client, path: str, body: dict[str, Any]) -> None:
        response = client.call("POST", path, _encode(body))
        self.take([response])
        if problems := msgspec.json.decode(response[1]).get("problems"):
            self.take_problems(problems)

    def _await_routing_table(self, client: Client) -> None:
        """Wait until the server uses the present routing table, so that every run routes every request the same way."""
        generation = read_routing_table(self._project.deployment_path).generation
        waited = 0.0
        while True:
            response = client.call("GET", "/v1/status")
            _check([response])
            status = msgspec.json.decode(response[1])
            if status["generation"] == generation:
                return
            if waited > DEPLOY_TIMEOUT_SECONDS:
                raise EnvironmentFault(
                    f"the server still uses routing table {status['generation']}, not {generation}: "
                    f"{status['deployment_error']}",
                    code="not_deployed",
                    hint="read server.log in the project's .mlops folder",
                )
            time.sleep(0.02)
            waited += 0.02

    def _is_done(self, day: date) -> bool:
        return (measured_until(self.loop.lake, self.loop.decisions) or EPOCH) >= self.stream.bounds(day)[1]

    def _start_stage(self, stage: str) -> None:
        self._stopwatch.start(stage)
        self.progress.stage = stage
        self._watch(self.progress)

    def _report_decisions(self, decisions: list[Decision]) -> None:
        self.progress.decisions.extend(decisions)
        self._watch(self.progress)


def _check(responses: list[StatusAndBody]) -> None:
    """Raise the error of the first response that is not a success."""
    for status, body in responses:
        if status != 200:
            error = msgspec.json.decode(body)["error"]
            raise EnvironmentFault(error["what"], code=error["code"], where=error["where"], hint=error["hint"])
