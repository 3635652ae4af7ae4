"""Run `mlops demo` as a process and kill it, its server, or both, at chosen points of its progress."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from outputs import read_output
from running import MLOPS, run_words

from mlops_lab.lake import Lake
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.serving.process.address import Address

PATIENCE_SECONDS = 900.0
SPAN = ("2013-03-01", "2013-03-02")
"""The days of the demo that tests share."""


@dataclass(frozen=True)
class Replayed:
    """A demo that was not interrupted: its folder and its summary."""

    folder: Path
    result: dict[str, Any]


@dataclass(frozen=True)
class Kill:
    """Kill "replay", "server" or "both", `delay` seconds after the demo has come so far.

    `at` is a glob below `.mlops` that has come to match something, or a share of the journal that an unbroken demo
    writes.
    """

    victim: str
    at: str | float
    delay: float = 0.0


def demo(folder: Path, span: tuple[str, str], *words: str) -> list[str]:
    """The command of a demo over a span."""
    return [*MLOPS, *demo_words(folder, span, *words)]


def demo_words(folder: Path, span: tuple[str, str], *words: str) -> list[str]:
    """The same without the program."""
    return ["demo", "--from", span[0], "--to", span[1], "--dir", str(folder), "--json", *words]


def replay(folder: Path, span: tuple[str, str]) -> dict[str, Any]:
    """An unbroken demo; what it says."""
    ran = run_words(demo_words(folder, span), patience_seconds=PATIENCE_SECONDS)
    assert ran.code == 0, ran.err
    read_output(["demo"], ran.out)
    told: dict[str, Any] = json.loads(ran.out)
    return told


def replay_with_kills(
    folder: Path, span: tuple[str, str], kills: Sequence[Kill], *, journal_bytes: int
) -> dict[str, Any]:
    """A demo that is killed at each point in turn and then goes on with --resume; what the last one says.

    AssertionError where a life ends by itself with an error, or before all kills have happened.
    """
    (folder.parent / "lives").mkdir()
    life = _start(folder, span, 0)
    try:
        for number, kill in enumerate(kills, 1):
            _wait(life, folder, kill, journal_bytes)
            if kill.victim in {"server", "both"}:
                _kill_server(folder)
            if kill.victim in {"replay", "both"}:
                life.kill()
                life.wait()
                life = _start(folder, span, number)
        assert life.wait(timeout=PATIENCE_SECONDS) == 0, _said(folder)
    finally:
        life.kill()
        life.wait()
        _kill_server(folder)
    outs = sorted((folder.parent / "lives").glob("*.out"), key=lambda path: int(path.stem))
    told: dict[str, Any] = json.loads(outs[-1].read_text())
    return told


def journal_end(folder: Path) -> int:
    """How far the journal of a demo has come, in bytes."""
    segments = sorted((folder / ".mlops/journal").glob("*.log"))
    with contextlib.suppress(OSError):
        return int(segments[-1].stem) + segments[-1].stat().st_size if segments else 0
    return 0


def what_came_of_it(folder: Path) -> dict[str, Any]:
    """All of a demo's outcome that must not depend on kills: decisions, models, answers, joins."""
    lake = Lake(folder / ".mlops/lake")
    predictions = lake.read("predictions")
    assert predictions["id"].is_unique().all()
    outcomes = lake.read("outcomes")
    assert outcomes["id"].is_unique().all()
    return {
        "decisions": [
            (item.at, str(item.what), item.version, item.rule, item.reason, item.evidence.get("fingerprint"))
            for item in read_decisions(lake)
        ],
        "predictions": predictions.sort("id").drop().rows(),
        "outcomes": outcomes.sort("id").rows(),
        "measurements": lake.read("measurements").sort("at", "monitor", "name").rows(),
        "flights": lake.read("flights").sort("flight_id").rows(),
        "weather": sorted(lake.read("weather").select("origin", "known_at").rows()),
    }


def _start(folder: Path, span: tuple[str, str], number: int) -> subprocess.Popen[str]:
    # killed before it made its folder's marker, there is nothing to resume: a person would just start again
    words = ["--resume"] if (folder / ".demo.json").exists() else []
    with (
        (folder.parent / f"lives/{number}.out").open("w") as out,
        (folder.parent / f"lives/{number}.err").open("w") as err,
    ):
        return subprocess.Popen(demo(folder, span, *words), stdout=out, stderr=err, text=True, stdin=subprocess.DEVNULL)


def _wait(life: subprocess.Popen[str], folder: Path, kill: Kill, journal_bytes: int) -> None:
    home = folder / ".mlops"
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        if isinstance(kill.at, str):
            if any(home.glob(kill.at)):
                break
        elif journal_end(folder) >= kill.at * journal_bytes:
            break
        assert life.poll() is None, f"ended before {kill}\n{_said(folder)}"
        assert time.monotonic() < end, f"waited in vain for {kill}\n{_said(folder)}"
        time.sleep(0.005)
    time.sleep(kill.delay)


def _kill_server(folder: Path) -> None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        address = msgspec.json.decode((folder / ".mlops/server.json").read_bytes(), type=Address)
        command = Path(f"/proc/{address.pid}/cmdline").read_bytes()
        if b"mlops_lab.serving" in command and str(folder).encode() in command:  # the number may be another's by now
            os.kill(address.pid, signal.SIGKILL)


def _said(folder: Path) -> str:
    return "\n".join(path.read_text()[-2000:] for path in sorted((folder.parent / "lives").glob("*.err")))
