"""A first `mlops run` on a table of many rows: seconds by stage, and the most memory that it ever held.

    python benchmarks/bench_scale.py [ROWS | ROWSxINPUTS ...]

Each size in a process of its own. `mlops doctor` and docs/scale.md take their bytes a value from this benchmark.
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

SIZES = ("100000", "300000", "1000000", "300000x50")
OTHERS = ("code", "kind", "count")
INPUTS = 9
CONFIG = """
[project]
name = "scale"

[source]
table = "rows"
data = "rows.parquet"
label = "y"

[source.request]
{numbers}
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

features = Features(inputs={inputs})


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=50, n_jobs=2, verbose=-1)
"""


def make_project(folder: Path, rows: int, inputs: int) -> None:
    """A project with so many rows of so many inputs, three of which are no floats."""
    names = [f"x{place}" for place in range(inputs - len(OTHERS))]
    fields = "\n".join(f'{name} = "float"' for name in names)
    (folder / "mlops.toml").write_text(CONFIG.replace("{numbers}", fields))
    (folder / "pipeline.py").write_text(PIPELINE.replace("{inputs}", json.dumps([*names, *OTHERS])))
    write_rows(folder / "rows.parquet", rows, names)


def write_rows(path: Path, rows: int, names: list[str]) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, len(names)))
    late = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + rng.logistic(size=rows) > 0
    frame = pl.DataFrame(numbers, schema=names).with_columns(
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
    for size in sys.argv[1:] or SIZES:
        rows, inputs = (int(part) for part in (size if "x" in size else f"{size}x{INPUTS}").split("x"))
        with tempfile.TemporaryDirectory() as name:
            make_project(Path(name), rows, inputs)
            done = subprocess.run(
                [sys.executable, __file__, "--measure", name], capture_output=True, text=True, check=True
            )
        found = json.loads(done.stdout.splitlines()[-1])
        assert found["what"] == "bootstrap"
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in found["stages"].items() if seconds > 0.1)
        size = f"{rows:>12,} rows × {inputs} inputs"
        print(f"{size}  {found['seconds']:7.1f} s  {found['peak_gib']:5.2f} GiB at most  ({stages})")
        figures.append({"rows": rows, "inputs": inputs, **found})
    write_report("scale", {"sizes": figures})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    else:
        main()
