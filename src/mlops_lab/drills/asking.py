"""Requests sent one after another to a server in which something breaks: what was answered, and what was refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl

from mlops_lab.drills.ground import Ground
from mlops_lab.drills.harm import find_harmed
from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project
from mlops_lab.replay.client import Client, StatusAndBody
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.server_process import ServerProcess

MOST_REQUESTS = 6_000
"""No more requests are sent in all."""
BREAK_AFTER = 100
"""The fault begins after so many."""
PAUSE_SECONDS, LASTING_SECONDS = 0.01, 20.0
"""Between two requests at least; longer where there are so few that they would not last: as long as it lasts, a fault
meets requests."""
_PATIENCE_SECONDS = 60.0


@dataclass
class Asked:
    """What became of requests: `outputs` by id, and the errors of those that were `refused`, or met no server."""

    outputs: dict[str, object] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def frame(self) -> pl.DataFrame:
        """The answers: id and output."""
        rows = list(self.outputs.items())
        return pl.DataFrame({"id": [name for name, _ in rows], "output": [output for _, output in rows]})


class Asker:
    """A client that sends the requests of the day of the fault, each once, and never again."""

    def __init__(self, ground: Ground, project: Project) -> None:
        stream = ground.stream(project, ground.history.facts)
        bodies = [body for day in ground.days for stretch in stream.play(day) for body in stretch.requests]
        self._bodies = bodies[:MOST_REQUESTS]
        self._part = len(self._bodies) // 4
        self._pause_seconds = max(PAUSE_SECONDS, LASTING_SECONDS / max(1, len(self._bodies)))
        self._token = ensure_token(project)
        self._client: Client | None = None
        self._address: Address | None = None
        self.asked = Asked()

    @property
    def left(self) -> int:
        """How many requests were not sent yet."""
        return len(self._bodies)

    def to(self, address: Address) -> None:
        """Ask the server at this address from now on."""
        self._drop()
        self._address = address

    def ask(self) -> bool:
        """Send the next request; whether it was answered."""
        body = self._bodies.pop(0)
        name = msgspec.json.decode(body)["id"]
        try:
            status, response = self._post(body)
        except ConnectionError as error:
            self._drop()
            self.asked.refused[name] = str(error)
            return False
        found = msgspec.json.decode(response)
        if status != 200:
            self.asked.refused[name] = f"{found['error']['code']}: {found['error']['what']}"
            return False
        self.asked.outputs[name] = found["output"]
        return True

    def ask_many(self, count: int) -> None:
        """Send so many requests, and at most a quarter of all."""
        for _ in range(min(count, self._part, self.left)):
            self.ask()

    def ask_until(self, is_over: Callable[[bool], bool]) -> float:
        """Send requests until one after which `is_over` (given whether it was answered) holds; the seconds."""
        began = time.perf_counter()
        while self.left and time.perf_counter() - began < _PATIENCE_SECONDS:
            if is_over(self.ask()):
                return time.perf_counter() - began
            time.sleep(self._pause_seconds)
        raise EnvironmentFault(
            "the drill ran out of requests or time before the fault was over",
            code="drill_did_not_end",
            hint="run it again when the machine has less to do",
        )

    def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _post(self, body: bytes) -> StatusAndBody:
        assert self._address is not None
        if self._client is None:
            address = self._address
            self._client = Client(address.local_host, address.port, token=self._token, connections=1)
        return self._client.call("POST", "/v1/predict", body)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def count_harmed(ground: Ground, asked: Asked) -> int:
    """How many of the requests a healthy server answers otherwise."""
    project = ground.fork()
    asker = Asker(ground, project)
    wanted = {*asked.outputs, *asked.refused}
    with ServerProcess(project) as server:
        asker.to(server.address)
        asker.ask_many(len(wanted))
        asker.close()
    healthy = asker.asked.frame.with_columns(pl.lit(ground.since).alias("at"))
    return find_harmed(healthy, asked.frame, ground.champion.task).height


def first_refusal(asked: Asked, codes: Sequence[str] = ()) -> str:
    """The first refusal, of those with one of some codes; empty where there was none."""
    found = [text for text in asked.refused.values() if not codes or text.split(":")[0] in codes]
    return found[0] if found else ""
