"""Projects that other tools run, in the environments of these tools."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from running import MLOPS
from webhook import skip_without

from mlops_lab.replay.flights import read_world

REPOSITORY = Path(__file__).parents[2]
PEERS = REPOSITORY / ".peers"
WEEK_BEGAN = datetime(2013, 6, 3, 5, tzinfo=UTC)


def write_week(folder: Path) -> None:
    """The flights project with the data of one week: its first version passes the gates."""
    world, known = read_world(), pl.col("known_at")
    until = WEEK_BEGAN + timedelta(days=7)
    (folder / "data").mkdir(parents=True)
    for name in ("mlops.toml", "pipeline.py"):
        shutil.copy(REPOSITORY / "examples" / "flights" / name, folder / name)
    with (folder / "mlops.toml").open("a") as file:
        file.write("\n[backtest]\ndays = 2\nmin_days = 1\n")
    flights = world.flights.filter(pl.col("scheduled_at") >= WEEK_BEGAN, known < until)
    flights.write_parquet(folder / "data" / "flights.parquet")
    world.weather.filter(known.is_between(WEEK_BEGAN, until)).write_parquet(folder / "data" / "weather.parquet")
    world.planes.write_parquet(folder / "data" / "planes.parquet")


def refuse_all(project: Path) -> None:
    """Set the limit of a gate so that no candidate passes."""
    config = project / "mlops.toml"
    config.write_text(config.read_text().replace("[gates]", "[gates]\nmust_beat_baseline = true"))


def environment(tool: str, **variables: str) -> dict[str, str]:
    """The variables of a process in the environment of the tool, which may run our commands."""
    path = os.pathsep.join([str(PEERS / tool / "bin"), os.environ["PATH"]]) if tool else os.environ["PATH"]
    own = {"PATH": path, "MLOPS": shlex.join(MLOPS), "PYTHONPATH": str(REPOSITORY / "src"), "DO_NOT_TRACK": "1"}
    return {**os.environ, **own, **variables}


def run(
    words: list[str], folder: Path, *, tool: str = "", code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as in the environment of the tool; it must exit with this code."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(tool, **variables),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def train_plainly(folder: Path) -> str:
    """The fingerprint of the version that `mlops run` makes."""
    record: dict[str, Any] = json.loads(run([*MLOPS, "run", "--json"], folder).stdout)
    return str(record["evidence"]["fingerprint"])


def live_version(folder: Path) -> int | None:
    """The version that is live in the project."""
    found: int | None = json.loads(run([*MLOPS, "status", "--json"], folder).stdout)["champion"]
    return found


def export(tool: str, project: Path, *, peer: str = "") -> Path:
    """The folder of the project that was exported for the tool, whose environment (`peer`, where it has another name)
    must be there."""
    peer = peer or tool
    skip_without(peer, is_there=(PEERS / peer / "bin" / "python").exists(), install="make peers")
    run([*MLOPS, "export", tool, tool], project)
    return project / tool
