"""What the checks of a lab use: a copy of the learner's folder, the command line, and a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import LabData
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.project import Project, load_project
from mlops_lab.replay.client import Client
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, fold
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.server_process import ServerProcess
from mlops_lab.tables.open_lake import open_lake

PATIENCE_SECONDS = 180.0
PROGRAMS = Path(sys.executable).parent
"""Where `mlops` and `python` are: a learner's script finds them also where the environment is not activated."""


def run_program(
    *words: str | Path, folder: Path, env: Mapping[str, str] | None = None, timeout_seconds: float = PATIENCE_SECONDS
) -> subprocess.CompletedProcess[str]:
    """A finished program; Mistake where it does not end in time, or is not there. `env` None: our own, with `mlops`."""
    words_as_text = [str(word) for word in words]
    try:
        return subprocess.run(
            words_as_text,
            cwd=folder,
            env=variables() if env is None else dict(env),
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        fail(
            "too-slow",
            seen=f"`{' '.join(words_as_text)}` was still running after {timeout_seconds:g} s",
            expected="that it ends",
        )
    except OSError as error:
        fail("not-run", seen=f"{words_as_text[0]} could not be run: {error.strerror}", expected="that it can be run")


def variables(**more: str) -> dict[str, str]:
    """Our own environment, in which `mlops` is found, without settings of the learner's shell."""
    kept = {name: value for name, value in os.environ.items() if "__" not in name}
    return {**kept, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}", **more}


def run_mlops(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """A finished `mlops` command."""
    return run_program(PROGRAMS / "mlops", *(str(word) for word in words), folder=folder)


@dataclass(frozen=True)
class LabWork:
    """A copy of the learner's folder, which a check may change, and an empty folder; what the lab is about, and the
    greatest log loss of good answers to hidden rows, where a check asks."""

    folder: Path
    scratch: Path
    started: str
    data: LabData
    max_loss: float | None = None

    @property
    def words(self) -> dict[str, str]:
        """What its data are called."""
        return words_of(self.data.layout)

    @property
    def project(self) -> str:
        """The folder of the project."""
        return self.words["project"]

    def day(self, number: int) -> date:
        """The day of this number, from 0."""
        return self.data.layout.day(number)

    def check_loss(self, loss: float, of: Sequence[object]) -> None:
        """Mistake where answers to hidden rows are worse than good ones."""
        assert self.max_loss is not None
        if not loss <= self.max_loss:
            seen = f"a log loss of {loss:.3f} on {len(of)} new {self.words['rows']}"
            fail("bad-answers", seen=seen, expected=f"at most {self.max_loss:.3f}, as good answers have")

    def open(self, name: str | None = None) -> Project:
        """The learner's project in this folder (None: where the story has it); Mistake where there is none, or its
        settings are wrong."""
        name = name or self.project
        root = self.folder / name
        if not (root / "mlops.toml").is_file():
            fail(
                "no-project",
                seen=f"there is no {name}/mlops.toml",
                expected=f"a project in the folder {name} of the lab",
            )
        return load_project(root)

    def read_report(self, name: str, *, expected: str) -> dict[str, Any]:
        """What the learner reports in this file; Mistake where there is none, or it is no TOML. `expected`: what."""
        path = self.folder / name
        if not path.is_file():
            fail("no-report", seen=f"there is no {name}", expected=f"{expected}, in a file beside README.md")
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            fail("bad-report", seen=f"{name}: {error}", expected="a file as README.md shows it")


def decisions_of(project: Project) -> list[Decision]:
    """The decisions of a project, oldest first."""
    lake = open_lake(project)
    return list(read_decisions(lake)) if lake.exists("decisions") else []


def require_champion(project: Project) -> int:
    """The version that answers; Mistake where there is none."""
    champion = fold(decisions_of(project)).champion
    if champion is None:
        fail("nothing-live", seen="no version is live", expected="a version that passed its gates and answers")
    return champion


@contextmanager
def serving(project: Project) -> Iterator[Client]:
    """A client of a server of the project, on a free port of this machine."""
    with ServerProcess(project) as server:
        client = Client(
            server.address.local_host,
            server.address.port,
            token=ensure_token(project),
            connections=1,
            tls=server.address.ssl_context(),
        )
        try:
            yield client
        finally:
            client.close()


def ask(client: Client, requests: Iterable[Mapping[str, Any]]) -> list[tuple[int, Any]]:
    """The status and the content of each response."""
    responses = (client.call("POST", "/v1/predict", msgspec.json.encode(request)) for request in requests)
    return [(status, msgspec.json.decode(body)) for status, body in responses]
