"""The whole demo: seconds by stage, quality of the loop against the first model, counts.

Usage: python benchmarks/bench_replay.py [LAST_DAY]      (default 2013-12-31)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from report import write_report

COMMAND = [sys.executable, "-c", "from mlops_lab.cli import main; main()", "demo", "--json"]


def main() -> None:
    last = sys.argv[1] if len(sys.argv) > 1 else "2013-12-31"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*COMMAND, "--to", last, "--dir", str(Path(folder) / "demo")], stdout=subprocess.PIPE, text=True, check=True
        )
    summary = json.loads(done.stdout)
    seconds = summary["seconds"]
    for stage, spent in sorted(summary["stages"].items(), key=lambda item: -item[1]):
        print(f"{stage:>16}  {spent:7.1f} s  {spent / seconds:6.1%}")
    print(f"{'all':>16}  {seconds:7.1f} s")
    loss, counts = summary["log_loss"], summary["counts"]
    print(f"log loss: loop {loss['loop']:.4f}, first model {loss['frozen']:.4f}")
    print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    figures = {"seconds": seconds, "stages": summary["stages"], "log_loss": loss, "counts": counts, "last": last}
    write_report("replay", figures)


if __name__ == "__main__":
    main()
