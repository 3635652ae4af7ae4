"""All drills on the flights project: time to detect, time to recover, harmed predictions and false actions, each beside
its target. Exit code 1 where a target is not met.

Usage: python benchmarks/bench_drills.py [NAME ...]      (default: all)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from mlops_lab.cli.drill import render
from mlops_lab.cli.records.drills import record_result
from mlops_lab.drills.catalog import DRILLS, find_drill
from mlops_lab.drills.run import run_drills
from mlops_lab.project import load_project
from report import write_report

MLOPS = [sys.executable, "-c", "from mlops_lab.cli import main; main()"]
SPAN = ("2013-03-13", "2013-03-14")
"""The days of the demo: what came before is history enough for all drills."""


def main() -> int:
    drills = [find_drill(name) for name in sys.argv[1:]] or list(DRILLS)
    out = Console(width=None if sys.stdout.isatty() else 150)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "demo"
        options = ["demo", "--from", SPAN[0], "--to", SPAN[1], "--dir", str(root)]
        subprocess.run([*MLOPS, *options], stdout=subprocess.DEVNULL, check=True)
        results = []
        for result in run_drills(load_project(root), drills, report=lambda _: None):
            results.append(result)
            verdict = "; ".join(result.misses) or "met"
            print(f"{result.drill.name} took {result.seconds:.0f} s: {verdict}", file=sys.stderr, flush=True)
    render(results, out)
    write_report("drills", {"drills": [msgspec.to_builtins(record_result(result)) for result in results]})
    return int(any(result.misses for result in results))


if __name__ == "__main__":
    sys.exit(main())
