"""What commands cost after weeks of a tick a minute, against the first day: ratios of CPU time, and the disk.

    python benchmarks/bench_ticks.py [TICKS] [--in FOLDER]

Lives through a day, and through so many ticks (10,080: a week; 43,200: a month), in two projects; each tick moves four
answers and the outcomes of an hour ago into the lake. Exits with 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from bench_growth import FEATURES, run, start_project, start_server
from report import write_report
from simulated_ticks import simulate_ticks

DAY = 1_440
FIRST_ID = "0-0"
RUNS = 5
LARGEST_RATIO = 1.3
LARGEST_DISK = 3.0
"""Bytes of the project's state, relative to those of the answers and outcomes that were acknowledged."""


class Measured(NamedTuple):
    """CPU seconds of each command; files and bytes of the state, and the bytes of what was acknowledged."""

    cpu_seconds: dict[str, float]
    files: int
    bytes: int
    acknowledged_bytes: int


def live(root: Path, ticks: int, *, end: datetime) -> int:
    """A project that has had so many ticks until `end`: the bytes of what was acknowledged."""
    from mlops_lab.project import load_project
    from mlops_lab.rollout.decision_log import read_decisions
    from mlops_lab.tables.open_lake import open_lake

    start = end - timedelta(minutes=ticks)
    start_project(root, start, np.random.default_rng(1))
    project = load_project(root)
    lake = open_lake(project)
    return simulate_ticks(
        project,
        lake,
        ticks=ticks,
        start=start,
        request=lambda at: {"ordered_at": at, "shop": f"s{at.minute}", "amount": 10.0 + at.minute},
        outcome={"late": True, "hours": 3.0},
        features=dict.fromkeys(FEATURES, 0.5),
        decisions=read_decisions(lake),
    )


def measure(root: Path, acknowledged_bytes: int) -> Measured:
    """The cost of each command: the median of some runs, after one that does what is done only once."""
    commands: dict[str, Callable[[], float]] = {
        "status": lambda: run(root, "status").cpu_seconds,
        "explain": lambda: run(root, "explain", FIRST_ID).cpu_seconds,
        "tick": lambda: run(root, "tick").cpu_seconds,
        "start of a server": lambda: start_server(root).cpu_seconds,
    }
    for command in (commands["tick"], commands["start of a server"]):
        command()
    cost = {name: median(command() for _ in range(RUNS)) for name, command in commands.items()}
    state = [path for path in (root / ".mlops").rglob("*") if path.is_file()]
    return Measured(cost, len(state), sum(path.stat().st_size for path in state), acknowledged_bytes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ticks", nargs="?", type=int, default=10_080)
    parser.add_argument("--in", dest="folder", help="where the projects are made, and left; else a temporary folder")
    options = parser.parse_args()
    end = datetime.now().astimezone()
    with tempfile.TemporaryDirectory() as temporary:
        measured = {}
        for ticks in (DAY, options.ticks):
            root = Path(options.folder or temporary) / f"{ticks}"
            measured[ticks] = measure(root, live(root, ticks, end=end))
    day, later = measured[DAY], measured[options.ticks]
    is_met = True
    rows = []
    print(f"{'CPU seconds':<24}{DAY:>12,}{options.ticks:>12,}{'ratio':>9}{'limit':>9}")
    for name, few in day.cpu_seconds.items():
        many = later.cpu_seconds[name]
        is_met &= many / few <= LARGEST_RATIO
        print(f"{name:<24}{few:>12.2f}{many:>12.2f}{many / few:>9.2f}{LARGEST_RATIO:>9.1f}")
        rows.append({"name": name, "day": few, "later": many})
    disk = later.bytes / later.acknowledged_bytes
    is_met &= disk <= LARGEST_DISK
    data = f"{day.acknowledged_bytes / 1e6:>12.1f}{later.acknowledged_bytes / 1e6:>12.1f}"
    print(f"{'files':<24}{day.files:>12,}{later.files:>12,}")
    print(f"{'MB on the disk':<24}{day.bytes / 1e6:>12.1f}{later.bytes / 1e6:>12.1f}")
    print(f"{'MB acknowledged':<24}{data}{disk:>9.2f}{LARGEST_DISK:>9.1f}")
    write_report("ticks", {"ticks": options.ticks, "rows": rows, "disk": disk, "files": [day.files, later.files]})
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
