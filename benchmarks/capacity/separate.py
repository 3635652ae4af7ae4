"""What is measured in a process of its own, so that nothing else counts; and what the measurements share."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

MIB = 2**20


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """How much each more costs; 0 where more cost no more."""
    return max(0.0, (values[-1] - values[0]) / (sizes[-1] - sizes[0]))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def size_of(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern))


def move(project: Path) -> dict[str, float]:
    """Move the journal into the tables: the CPU seconds of it alone, without Python's start."""
    return run_self("--move", str(project))


def run_self(*words: str) -> dict[str, float]:
    command = [sys.executable, "-m", "capacity.separate", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[1])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def time_move(folder: Path) -> dict[str, float]:
    from mlops_lab.intake.journal import ingest_journal
    from mlops_lab.project import load_project
    from mlops_lab.tables.open_lake import open_lake

    project = load_project(folder)
    lake = open_lake(project)
    began = time.process_time()
    ingest_journal(project, lake)
    return {"cpu_seconds": time.process_time() - began}


def weigh_entities(count: int) -> dict[str, float]:
    """The memory of a store that holds the last fact of each entity, as a server loads them."""
    import polars as pl

    from bench_features import resident_mib
    from mlops_lab.features import View, last
    from mlops_lab.features.memory import MemoryStore

    moment = pl.lit(datetime(2013, 6, 1, tzinfo=UTC), pl.Datetime("us", "UTC"))
    view = View("last", "facts", by="key", values={"value": last("value")})
    store, before = MemoryStore([view]), resident_mib()
    facts = pl.select(key=pl.int_range(count)).with_columns(
        value=(pl.col("key") % 100).cast(pl.Float64),
        _known_at=moment,
        _seen_at=moment,
        _fact_id=pl.col("key").cast(pl.String),
    )
    store.load("facts", facts)
    return {"bytes": (resident_mib() - before) * MIB}


if __name__ == "__main__":
    word, value = sys.argv[1:]
    print(json.dumps(time_move(Path(value)) if word == "--move" else weigh_entities(int(value))))
