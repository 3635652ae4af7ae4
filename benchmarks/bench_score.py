"""`mlops score` on all flights of 2013 beside the bare model, and its memory on ten times the rows.

    python benchmarks/bench_score.py

The bare model is what somebody would write who has the model's inputs ready in a file: Polars reads them, texts become
codes, `lightgbm.Booster.predict` answers on all cores, Polars writes ids and answers. Beside it, with the same model:
`ready`, a project whose requests are those very inputs; and `looked up`, the flights project, which gets the requests
and computes the inputs as of each one's own time, from facts that it reads first. Both check every row against its
contract, and write ids, answers and version, whole or not at all. Sides alternate; ratios are rates, by the clock and
by the processor's time: the clock's is what counts on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `mlops` sets it, for both sides

import polars as pl

from mlops_lab.lake.sinks import PARQUET, open_sink
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.replay.flights import read_world
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version
from mlops_lab.scoring.score import BatchScorer, score
from mlops_lab.tables.open_lake import open_lake
from report import write_report

ROUNDS = 5
TREES = (100, 300)  # the example's model, and the size of the one that peers were measured with
EXAMPLE = Path(__file__).parents[1] / "examples" / "flights"
READY_TOML = """
[project]
name = "ready"
[source]
table = "rows"
data = "data.parquet"
id = "id"
label = "late"
[source.request]
{fields}
[source.outcome]
late = "boolean"
[backtest]
share = 0.1
"""
READY_PIPELINE = """
from mlops_lab.features import Features

features = Features(inputs={inputs})


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier({parameters}, n_jobs=2, verbose=-1)
"""
PARAMETERS = "n_estimators={trees}, learning_rate=0.1, num_leaves=31, min_child_samples=100, max_bin=63, cat_smooth=50"


def make_flights(folder: Path, trees: int) -> Project:
    """The example with the whole year in its lake, and a first version live."""
    (folder / "data").mkdir(parents=True)
    world = read_world()
    for name in ("flights", "weather", "planes"):
        getattr(world, name).write_parquet(folder / "data" / f"{name}.parquet")
    (folder / "mlops.toml").write_text((EXAMPLE / "mlops.toml").read_text())
    text = (EXAMPLE / "pipeline.py").read_text()
    assert '"n_estimators": 100' in text
    (folder / "pipeline.py").write_text(text.replace('"n_estimators": 100', f'"n_estimators": {trees}'))
    return run(folder)


def make_ready(folder: Path, trees: int, inputs: pl.DataFrame, late: pl.Series) -> Project:
    """A project whose requests are the inputs."""
    folder.mkdir()
    kinds = {pl.String: "string?", pl.Float64: "float?"}
    fields = "\n".join(f'{name} = "{kinds.get(type(dtype), "integer?")}"' for name, dtype in inputs.schema.items())
    (folder / "mlops.toml").write_text(READY_TOML.format(fields=fields))
    pipeline = READY_PIPELINE.format(inputs=inputs.columns, parameters=PARAMETERS.format(trees=trees))
    (folder / "pipeline.py").write_text(pipeline)
    names = pl.int_range(pl.len()).cast(pl.String).alias("id")
    inputs.with_columns(late).select(names, pl.all()).write_parquet(folder / "data.parquet")
    return run(folder)


def run(folder: Path) -> Project:
    project = load_project(folder)
    loop = Loop(project)
    decision = loop.run(loop.now(), by="the benchmark")
    assert decision.what == "bootstrap", decision
    return project


def score_bare(package: Path, ready: Path, out: Path) -> None:
    """The bare model, as well as we could write it."""
    import lightgbm

    categories = json.loads((package / "plan.json").read_text())["categories"]
    booster = lightgbm.Booster(model_file=package / "model.txt")
    frame = pl.read_parquet(ready)
    numbers = [
        pl.col(name).cast(pl.Enum(categories[name]), strict=False).to_physical().cast(pl.Float64)
        if name in categories
        else pl.col(name).cast(pl.Float64)
        for name in booster.feature_name()
    ]
    output = booster.predict(frame.select(numbers).to_numpy())
    frame.select("id", output=pl.Series(output)).write_parquet(out)


def score_ours(project: Project, requests: Path, out: Path) -> None:
    with open_sink(out, PARQUET, overwrite=True) as write:
        score(project, requests, write=write)


class Spent(NamedTuple):
    """Seconds by the clock, and of the processor's cores."""

    wall: float
    cpu: float


def alternate(*jobs: Callable[[], None]) -> list[list[Spent]]:
    """What each job took, after one round that does not count."""
    spent: list[list[Spent]] = [[] for _ in jobs]
    for number in range(ROUNDS + 1):
        for job, taken in zip(jobs, spent, strict=True):
            began, began_cpu = time.perf_counter(), time.process_time()
            job()
            if number:
                taken.append(Spent(time.perf_counter() - began, time.process_time() - began_cpu))
    return spent


def compare(project: Project, requests: Path, ready: Path, folder: Path, label: str) -> dict[str, Any]:
    package = project.root / find_version(read_decisions(open_lake(project)), 1).package
    bare_out, our_out = folder / "bare.parquet", folder / "ours.parquet"
    bare, ours = alternate(
        lambda: score_bare(package, ready, bare_out), lambda: score_ours(project, requests, our_out)
    )  # fmt: skip
    given, expected = pl.read_parquet(our_out), pl.read_parquet(bare_out)
    assert given["output"].equals(expected["output"]), "the same answers, to the last bit"
    pairs = list(zip(bare, ours, strict=True))
    ratio = statistics.median(theirs.wall / mine.wall for theirs, mine in pairs)
    cpu_ratio = statistics.median(theirs.cpu / mine.cpu for theirs, mine in pairs)
    rate, bare_rate = (given.height / statistics.median(one.wall for one in side) for side in (ours, bare))
    line = f"{label:<30} {ratio:.2f}× the bare model's rate, {cpu_ratio:.2f}× by processor time"
    print(f"{line}   ({rate:,.0f} and {bare_rate:,.0f} rows/s)", flush=True)
    rates = {"rows_per_s": rate, "bare_rows_per_s": bare_rate, "rows": given.height}
    return {"what": label, "ratio": ratio, "cpu_ratio": cpu_ratio, **rates}


def run_whole(words: list[str]) -> dict[str, float]:
    """Seconds of a process, and the most memory (MiB) of its own that it held: files it has mapped are the disk's."""
    began, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        if "RssAnon" in status:
            peak = max(peak, float(status.split("RssAnon:")[1].split()[0]) / 1024)
        time.sleep(0.02)
    assert process.wait() == 0, words
    return {"seconds": time.perf_counter() - began, "peak_mib": peak}


def compare_sizes(project: Project, requests: Path, folder: Path) -> list[dict[str, Any]]:
    """The command itself on once and ten times the rows, in each format."""
    rows = pl.read_parquet(requests)
    moment = pl.col("scheduled_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    figures = []
    for suffix in ("parquet", "csv", "jsonl"):
        peaks = []
        for times in (1, 10):
            path = folder / f"requests-{times}.{suffix}"
            batch = pl.concat([rows] * times)
            if suffix == "parquet":
                batch.write_parquet(path)
            elif suffix == "csv":
                batch.with_columns(moment).write_csv(path)
            else:
                batch.with_columns(moment).write_ndjson(path)
            out = folder / f"answers.{'csv' if suffix == 'csv' else 'parquet'}"
            words = [str(Path(sys.executable).with_name("mlops")), "score", str(path), "--out", str(out)]
            found = run_whole([*words, "--overwrite", "--project", str(project.root)])
            path.unlink()
            peaks.append(found["peak_mib"])
            figures.append({"format": suffix, "rows": batch.height, **found})
            del batch
        last = figures[-1]
        print(
            f"{suffix:<8} memory {peaks[1] / peaks[0]:.2f}× for 10× the rows ({peaks[0]:.0f} MiB, {peaks[1]:.0f} MiB);"
            f" {last['rows']:,} rows in {last['seconds']:.1f} s, start and all",
            flush=True,
        )
    return figures


def main() -> None:
    figures, sizes = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = read_world()
        fields = [*load_project(EXAMPLE).settings.source.request]
        requests, ready = folder / "requests.parquet", folder / "ready.parquet"
        world.flights.select(pl.col("flight_id").alias("id"), *fields).write_parquet(requests)
        for trees in TREES:
            flights = make_flights(folder / f"flights-{trees}", trees)
            inputs, _ = BatchScorer(flights).inputs(world.flights.select(fields))
            inputs.select(world.flights["flight_id"].alias("id"), pl.all()).write_parquet(ready)
            bare = make_ready(folder / f"ready-{trees}", trees, inputs, world.flights["late"])
            figures.append(compare(bare, ready, ready, folder, f"{trees} trees, inputs ready"))
            figures.append(compare(flights, requests, ready, folder, f"{trees} trees, inputs looked up"))
            if trees == TREES[0]:
                sizes = compare_sizes(flights, requests, folder)
    write_report("score", {"rates": figures, "sizes": sizes})


if __name__ == "__main__":
    main()
