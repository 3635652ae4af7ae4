"""What a long history costs: seconds and the most memory of its load, its training set, a first `mlops run`, the start
of a server and a tick, by rows; with slopes.

    python benchmarks/bench_history.py [ROWS | ROWSxCOLUMNS ...]

Each step in a process of its own. Views look up earlier rows of the same customer and shop. A training set is made of
all rows and of a sample (`[training] max_rows`), from which a run learns; where it is refused, the error is printed. A
load is that of files into an empty lake, a load again that of the same files.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench_growth import start_server
from report import write_report

SIZES = ("1000000", "4000000", "16000000", "100000x1000")
COLUMNS = 6
DAYS = 365
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
CHUNK_ROWS = 1_000_000
SAMPLE_ROWS = 1_000_000
CONFIG = """
[project]
name = "history"
clock = "data"

[source]
table = "orders"
data = "orders"
id = "order_id"
time = "asked_at"
known_at = "known_at"
label = "late"
key = "customer"

[source.request]
asked_at = "datetime"
customer = "string"
shop = "string"
{numbers}

[source.outcome]
late = "boolean"
"""
PIPELINE = """
from mlops_lab.features import Features, View, count, largest, last, mean

features = Features(
    inputs=[{inputs}, "orders_30d", "late_30d", "x0_30d", "shop_orders_7d", "shop_late_7d", "x0_most_7d", "x0_last"],
    views=[
        View("customer", "orders", by="customer", over="30d",
             values={"orders_30d": count("late"), "late_30d": mean("late"), "x0_30d": mean("x0")}),
        View("shop", "orders", by="shop", over="7d",
             values={"shop_orders_7d": count("late"), "shop_late_7d": mean("late"), "x0_most_7d": largest("x0")}),
        View("latest", "orders", by="customer", values={"x0_last": last("x0")}),
    ],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=50, n_jobs=2, verbose=-1)
"""


def make_project(folder: Path, rows: int, columns: int) -> None:
    """A project with so many rows, of so many numbers, written in chunks, each a file of its data."""
    names = [f"x{place}" for place in range(columns)]
    fields = "\n".join(f'{name} = "float"' for name in names)
    (folder / "mlops.toml").write_text(CONFIG.replace("{numbers}", fields))
    (folder / "pipeline.py").write_text(PIPELINE.replace("{inputs}", json.dumps(names)[1:-1]))
    (folder / "orders").mkdir()
    chunk_rows = CHUNK_ROWS * COLUMNS // max(columns, COLUMNS)
    for number, begin in enumerate(range(0, rows, chunk_rows)):
        chunk = make_rows(begin, min(begin + chunk_rows, rows), rows, names, seed=number)
        chunk.write_parquet(folder / "orders" / f"{number:05}.parquet")


def make_rows(begin: int, end: int, rows: int, names: list[str], *, seed: int) -> pl.DataFrame:
    """The rows from `begin` to `end` of so many, spread evenly over the days; one customer has 20 of them."""
    rng, size = np.random.default_rng(seed), end - begin
    asked_at = pl.Series(np.arange(begin, end) * (DAYS * 86_400_000_000 // rows)).cast(pl.Duration("us")) + FIRST_DAY
    numbers = rng.normal(size=(size, len(names)))
    return pl.DataFrame(numbers, schema=names).select(
        pl.Series("order_id", np.arange(begin, end)).cast(pl.String),
        asked_at.alias("asked_at"),
        (asked_at + timedelta(hours=2)).alias("known_at"),
        pl.Series("customer", rng.integers(0, max(rows // 20, 1), size)).cast(pl.String),
        pl.Series("shop", rng.integers(0, 1000, size)).cast(pl.String),
        *names,
        pl.Series("late", numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + rng.logistic(size=size) > 0),
    )


# ---- the steps, each in a process of its own ------------------------------------------------------------------------


def load(folder: Path) -> str:
    open_loop(folder).now()  # loads the data into an empty lake
    return ""


def load_again(folder: Path) -> str:
    loop = open_loop(folder)
    loop.load(loop.now())
    return ""


def run(folder: Path) -> str:
    loop = open_loop(folder, f"training.max_rows={SAMPLE_ROWS}")
    decision = loop.run(loop.now(), by="the benchmark")
    assert decision.what == "bootstrap", decision.reason
    return ""


def tick(folder: Path) -> str:
    loop = open_loop(folder)
    loop.tick(loop.now() + timedelta(days=1))
    return ""


def start(folder: Path) -> str:
    start_server(folder)
    return ""


def training_set(folder: Path, *flags: str) -> str:
    from mlops_lab.training.pipeline import load_pipeline
    from mlops_lab.training.training_set import build_training_set

    loop = open_loop(folder, *flags)
    features = load_pipeline(loop.project).features
    return build_training_set(loop.project, features, lake=loop.lake, until=loop.now()).fingerprint


def sampled_set(folder: Path) -> str:
    return training_set(folder, f"training.max_rows={SAMPLE_ROWS}")


def open_loop(folder: Path, *flags: str) -> Any:
    from mlops_lab.loop.tick import Loop
    from mlops_lab.project import load_project

    return Loop(load_project(folder, flags=flags))


STEPS: dict[str, Callable[[Path], str]] = {
    "load": load,
    "load again": load_again,
    "training set": training_set,
    "sampled training set": sampled_set,
    "run": run,
    "start of a server": start,
    "tick": tick,
}


def measure(step: str, folder: Path) -> None:
    """Do one step; its seconds, the most memory and what it told as one JSON object on stdout."""
    from mlops_lab.errors import EnvironmentFault
    from mlops_lab.notes import listening

    began, notes, result = time.perf_counter(), list[str](), None
    try:
        with listening(notes.append):
            result = STEPS[step](folder)
    except EnvironmentFault as error:
        notes.append(f"refused: {error}")
    seconds = time.perf_counter() - began
    gib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
    figures = {"seconds": seconds, "peak_gib": gib, "result": result, "refused": result is None, "notes": notes}
    print(json.dumps(figures))


def measure_size(rows: int, columns: int) -> dict[str, Any]:
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        make_project(Path(name), rows, columns)
        for step in STEPS:
            command = [sys.executable, __file__, "--measure", step, name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"error: {step} of {rows:,} rows failed\n{done.stderr}")
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{rows:>12,} rows x {columns:>5} columns  {step:<24} "
                f"{found['seconds']:8.1f} s  {found['peak_gib']:6.2f} GiB at most",
                flush=True,
            )
            for note in found["notes"]:
                print(f"{'':>12}   {note}", flush=True)
            if not found["refused"]:
                figures[step] = found
    return {"rows": rows, "columns": columns, "steps": figures}


def print_slopes(sizes: list[dict[str, Any]]) -> None:
    """How each figure grows from the first size to the last one of as many columns: 1 is in proportion to the rows."""
    same = [size for size in sizes if size["columns"] == sizes[0]["columns"]]
    for step in STEPS:
        done = [size for size in same if step in size["steps"]]
        if len(done) < 2:
            continue
        first, last = done[0], done[-1]
        times = last["rows"] / first["rows"]
        before, after = first["steps"][step], last["steps"][step]
        slope = log(after["seconds"] / before["seconds"]) / log(times)
        row_bytes = (after["peak_gib"] - before["peak_gib"]) * 2**30 / (last["rows"] - first["rows"])
        print(f"{step:<24} seconds ~ rows^{slope:.2f}, {row_bytes:,.0f} bytes a row")


def main() -> None:
    sizes = []
    for size in sys.argv[1:] or SIZES:
        rows, columns = (int(part) for part in (size if "x" in size else f"{size}x{COLUMNS}").split("x"))
        sizes.append(measure_size(rows, columns))
    print_slopes(sizes)
    write_report("history", {"sizes": sizes})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
