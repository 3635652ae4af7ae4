"""Historical features of the flights: Feast, from the repository we export, beside ours on the same tables.

Usage: python benchmarks/bench_feast.py [ROWS]      (default 1000; needs `make peers`)
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from mlops_lab.exporters import feast
from mlops_lab.features.offline import look_up
from mlops_lab.project import load_project
from mlops_lab.tables.facts import read_facts, read_labelled
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.pipeline import load_pipeline
from report import write_report

HERE = Path(__file__).parent
FEAST = HERE.parent / ".peers" / "feast" / "bin" / "python"
DEMO = [sys.executable, "-c", "from mlops_lab.cli import main; main()", "demo", "--to", "2013-03-01", "--json"]


def main() -> None:
    if not FEAST.exists():
        print("Feast is not here: `make peers` makes its environment")
        return
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subprocess.run([*DEMO, "--dir", str(folder / "demo")], check=True, capture_output=True)
        project = load_project(folder / "demo")
        features, lake = load_pipeline(project).features, open_lake(project)
        labelled = read_labelled(project, lake)
        facts = read_facts(project, lake)
        keys = sorted({key for view in features.views for key in view.keys})
        asked = labelled.select(pl.col(project.settings.source.time).alias("event_timestamp"), *keys).drop_nulls()
        asked = asked.sample(number, seed=1).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        seconds = []
        for _ in range(7):
            began = time.perf_counter()
            ours = look_up(features, asked, time="event_timestamp", facts=facts)
            seconds.append(time.perf_counter() - began)
        (folder / "repository").mkdir()
        feast.export(project, folder / "repository")
        asked.write_parquet(folder / "asked.parquet")
        words = [FEAST, HERE / "ask_feast.py", folder / "repository", folder / "asked.parquet", "2013-04-01T00:00:00"]
        subprocess.run(list(map(str, words)), check=True, capture_output=True)
        theirs = pl.read_parquet(folder / "repository" / "historical.parquet").sort("row")
        took = json.loads((folder / "repository" / "seconds.json").read_text())["historical"]
    mine = statistics.median(seconds)
    names = [name for view in features.views for name in view.values]
    differing = {
        name: count
        for name in names
        if (count := int(ours[name].ne_missing(theirs[name].cast(ours.schema[name])).sum()))
    }
    print(f"{took / mine:.0f}× as fast as Feast: {number:,} rows, {len(names)} values (at least 50 wanted)")
    print(f"  ours {mine:.3f} s, Feast {took:.1f} s; {theirs.height:,} of {number:,} rows came back")
    print(f"  {sum(differing.values())} of {number * len(names):,} values differ: {differing or 'none'}")
    print("  (an entity that no fact names has declared defaults here, and nulls there)")
    figures = {"ratio": took / mine, "ours_s": mine, "feast_s": took, "rows": number, "differing": differing}
    write_report("feast", figures)


if __name__ == "__main__":
    main()
