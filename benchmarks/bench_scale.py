"""A first `mlops run` on a table of many rows: seconds by stage, and the most memory that it ever held.

    python benchmarks/bench_scale.py [ROWS ...]

Each size in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from report import write_report

SIZES = (100_000, 1_000_000)
CONFIG = """
[project]
name = "scale"

[source]
table = "rows"
data = "rows.parquet"
label = "y"

[source.request]
x0 = "float"
x1 = "float"
x2 = "float"
x3 = "float"
x4 = "float"
x5 = "float?"
code = "string"
kind = "string"
count = "integer"

[source.outcome]
y = "boolean"

[backtest]
share = 0.1
"""
PIPELINE = """
from mlops_lab.features import Features

features = Features(inputs=["x0", "x1", "x2", "x3", "x4", "x5", "code", "kind", "count"])


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=50, n_jobs=2, verbose=-1)
"""


def write_rows(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 6))
    late = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + rng.logistic(size=rows) > 0
    frame = pl.DataFrame(numbers, schema=[f"x{place}" for place in range(6)]).with_columns(
        pl.Series("code", rng.integers(0, 1000, rows)).cast(pl.String),
        pl.Series("kind", rng.choice(["a", "b", "c"], rows)),
        pl.Series("count", rng.integers(0, 50, rows)),
        pl.Series("y", late),
    )
    frame.write_parquet(path)


def measure(folder: Path) -> None:
    """Run the project in the folder; the figures as one JSON object on stdout."""
    from mlops_lab.loop.tick import Loop
    from mlops_lab.project import load_project

    stages: dict[str, float] = {}
    began = time.perf_counter()
    last = ["start", began]

    def enter(stage: str) -> None:
        now = time.perf_counter()
        stages[last[0]] = stages.get(last[0], 0.0) + now - last[1]
        last[:] = [stage, now]

    loop = Loop(load_project(folder), report=enter)
    decision = loop.run(loop.now(), by="the benchmark")
    enter("end")
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds = time.perf_counter() - began
    print(json.dumps({"what": str(decision.what), "seconds": seconds, "stages": stages, "peak_gib": gib}))


def main() -> None:
    figures = []
    for rows in [int(word) for word in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "mlops.toml").write_text(CONFIG)
            (folder / "pipeline.py").write_text(PIPELINE)
            write_rows(folder / "rows.parquet", rows)
            done = subprocess.run(
                [sys.executable, __file__, "--measure", name], capture_output=True, text=True, check=True
            )
        found = json.loads(done.stdout.splitlines()[-1])
        assert found["what"] == "bootstrap"
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in found["stages"].items() if seconds > 0.1)
        print(f"{rows:>12,} rows  {found['seconds']:7.1f} s  {found['peak_gib']:5.2f} GiB at most  ({stages})")
        figures.append({"rows": rows, **found})
    write_report("scale", {"sizes": figures})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    else:
        main()
