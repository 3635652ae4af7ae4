"""Short runs of the server: loads on so many workers, and what answers and outcomes leave behind."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.optimize import nnls

from capacity.separate import MIB, move, say, slope
from mlops_lab.journal.workers import read_progress
from serving.load import Setting, send_load
from serving.process import ServerProcess, free_port
from serving.servers import FSYNC, OUR_PYTHON, copy_project
from serving.work import Work

SECONDS = 3
ROUNDS = 3
FITTED = ((1, 1), (1, 16), (1, 64), (2, 64), (4, 64))
PREDICTED = ((1, 32), (2, 16), (2, 32))
"""Workers and connections: the constants are fitted to the first, and predict the others."""
TOLD, BATCH = 50_000, 1000
WARM = 10_000
"""Answers after which a server has the memory that it needs anyway."""
KNOWN = datetime(2013, 4, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Loaded:
    """A load on so many workers: requests a second, CPU microseconds a request, milliseconds; and how far the rounds
    lie apart, as a part of their median."""

    workers: int
    connections: int
    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    spread: float = 0.0

    @property
    def cores(self) -> float:
        """How many cores the server had on average."""
        return self.per_second * self.cpu_us / 1e6


def measure_loads(work: Work) -> list[Loaded]:
    """All loads, one after the other, some rounds of them; the medians."""
    rounds = [[measure_load(work, *load) for load in (*FITTED, *PREDICTED)] for _ in range(ROUNDS)]
    return [summarize(same) for same in zip(*rounds, strict=True)]


def summarize(same: Sequence[Loaded]) -> Loaded:
    """The medians of some rounds of a load."""
    medians = Loaded(*(median(getattr(load, field.name) for load in same) for field in fields(Loaded)))
    cpu = [load.cpu_us for load in same]
    return replace(medians, spread=(max(cpu) - min(cpu)) / medians.cpu_us)


def fit_loads(loads: Sequence[Loaded]) -> dict[str, float]:
    """The cost of a batch, of a request and of following, none below 0, that are nearest to the loads: see
    `model.cpu_us`, which is a sum of the three."""
    fitted = [load for load in loads if (load.workers, load.connections) in FITTED]
    parts = [[load.workers / load.connections, 1.0, load.workers - 1.0] for load in fitted]
    relative = np.array(parts) / np.array([[load.cpu_us] for load in fitted])
    found, _ = nnls(relative, np.ones(len(fitted)))
    return dict(zip(("batch_us", "request_us", "follow_us"), map(float, found), strict=True))


@contextmanager
def started(work: Work, workers: int) -> Iterator[tuple[ServerProcess, Path]]:
    """A server on a copy of the project with model and views, and the project's folder."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, port = Path(temporary), free_port()
        project = copy_project("features", work, folder)
        command = [*OUR_PYTHON, "-m", "mlops_lab.serving", project, "--port", str(port), "--workers", str(workers)]
        with ServerProcess(command, port=port, log=folder / "log") as process:
            process.wait_for_answer(FSYNC.path, encode(work.requests[:1]))
            yield process, Path(project)


def measure_load(work: Work, workers: int, connections: int) -> Loaded:
    say(f"a load of {connections} connections on {workers} workers")
    with started(work, workers) as (process, project):
        bodies = project.parent / "bodies"
        bodies.write_bytes(b"\n".join(encode([row]) for row in work.requests[:1000]) + b"\n")
        url = f"http://127.0.0.1:{process.port}{FSYNC.path}"
        send_load(url, bodies, Setting("warm-up", connections), seconds=1)
        before = process.cpu_seconds()
        load = send_load(url, bodies, Setting("load", connections), seconds=SECONDS)
        spent = process.cpu_seconds() - before
    if load.faults:
        raise SystemExit(f"error: {load.explain()}")
    return Loaded(workers, connections, load.per_second, spent / load.answered * 1e6, load.p50_ms, load.p99_ms)


def measure_log(work: Work) -> dict[str, float]:
    """What answers and outcomes cost after they were given: journal, memory, and the loop's CPU."""
    say("answers and outcomes are moved into the tables")
    with started(work, 1) as (process, project):
        token = (project / ".mlops" / "token").read_text()
        ask(process, token, "/v1/predict", [{"id": f"warm-{n}", **work.requests[n]} for n in range(BATCH)])
        move(project)
        before = position_of(project)
        rows = [{"id": f"asked-{n}", **work.requests[n % len(work.requests)]} for n in range(TOLD)]
        resident = {}
        for start in range(0, TOLD, BATCH):
            resident[start] = process.resident_mib()
            ask(process, token, "/v1/predict", rows[start : start + BATCH])
        resident[TOLD] = process.resident_mib()
        intake = move(project)
        journal = position_of(project) - before
        spent = process.cpu_seconds()
        known = [(KNOWN + timedelta(milliseconds=n)).isoformat() for n in range(TOLD)]
        outcomes = [
            {"id": f"asked-{n}", "known_at": known[n], "late": n % 3 == 0, "arrival_delay": 1.0} for n in range(TOLD)
        ]
        accepted = sum(
            ask(process, token, "/v1/outcomes", {"outcomes": outcomes[start : start + BATCH]})["counts"]["accepted"]
            for start in range(0, TOLD, BATCH)
        )
        if accepted != TOLD:
            raise SystemExit(f"error: {accepted} of {TOLD} outcomes were accepted")
        spent = process.cpu_seconds() - spent
        outcome_intake = move(project)
    return {
        "journal_bytes": journal / TOLD,
        "waiting_bytes": slope((WARM, TOLD), [resident[WARM] * MIB, resident[TOLD] * MIB]),
        "outcome_us": spent / TOLD * 1e6,
        "intake_us": intake["cpu_seconds"] / TOLD * 1e6,
        "outcome_intake_us": outcome_intake["cpu_seconds"] / TOLD * 1e6,
    }


def position_of(project: Path) -> int:
    """How many bytes of the journal were moved into the tables. Its files are larger: they are made in advance."""
    return sum(read_progress(project / ".mlops" / "positions.json").positions)


def ask(process: ServerProcess, token: str, path: str, body: Any) -> Any:
    with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=60)) as connection:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read().decode()
        if response.status != http.client.OK or '"error"' in text:
            raise SystemExit(f"error: {path} answers {response.status}: {text[:300]}")
        return json.loads(text)


def encode(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(FSYNC.body(rows), separators=(",", ":")).encode()
