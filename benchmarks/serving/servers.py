"""The servers of the benchmark: how each is started, what it gets, and where its answers are."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from serving.work import Work

HERE = Path(__file__).parent
Rows = list[dict[str, Any]]
Command = Callable[[Work, Path, int], Sequence[str]]
"""The command that starts a server, given the work, an empty folder for it and a port."""


OUR_PYTHON = ["/usr/bin/env", "POLARS_MAX_THREADS=1", sys.executable]
"""Frames of a few rows need no second thread."""


@dataclass(frozen=True)
class Server:
    """One server. `sent` names its input: the flights' `requests`, or `rows` with all inputs.

    `answers` reads the probability of each row from a decoded response: None if another version answered.
    """

    name: str
    path: str
    command: Command
    body: Callable[[Rows], Any]
    answers: Callable[[Any], list[float | None]]
    sent: str = "rows"
    is_peer: bool = False


def write_body(rows: Rows) -> Any:
    """Our JSON: a request, or several."""
    return rows[0] if len(rows) == 1 else rows


def read_answers(answer: Any) -> list[float | None]:
    """The answers of version 1, in our JSON."""
    answers = answer if isinstance(answer, list) else [answer]
    return [one["output"] if one["version"] == 1 else None for one in answers]


def copy_project(name: str, work: Work, folder: Path) -> str:
    """A copy of one of our projects: each server starts with the same state and an empty log."""
    return str(shutil.copytree(work.folder / name, folder / name))


def start_ours(project: str, durability: str, work: Work, folder: Path, port: int) -> Sequence[str]:
    """Our server, as `mlops serve` starts it."""
    command = [*OUR_PYTHON, "-m", "mlops_lab.serving", copy_project(project, work, folder)]
    return [*command, "--port", str(port), "--set", f"serving.durability={durability}"]


def start_constant(work: Work, folder: Path, port: int) -> Sequence[str]:
    """The limit."""
    del work, folder
    return [sys.executable, str(HERE / "constant.py"), str(port)]


ASYNC = Server(
    "ours, async", "/v1/predict", partial(start_ours, "features", "async"), write_body, read_answers, sent="requests"
)
FSYNC = Server(
    "ours, fsync", "/v1/predict", partial(start_ours, "features", "fsync"), write_body, read_answers, sent="requests"
)
BARE = Server("ours, bare", "/v1/predict", partial(start_ours, "bare", "async"), write_body, read_answers)
LIMIT = Server("constant JSON", "/", start_constant, write_body, lambda _: [])
OURS = [ASYNC, FSYNC, BARE]
STAGED = {ASYNC: "features", BARE: "bare"}
"""The servers whose stages are timed, with their project."""
