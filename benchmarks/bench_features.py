"""Features on all flights of 2013: offline against bare Polars joins, in bounded memory, and online by entity.

Usage: python benchmarks/bench_features.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.features import Features, View, last, mean
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.offline import compute_in_batches, look_up
from mlops_lab.features.online import OnlineStore, make_fact_row
from mlops_lab.project import load_project
from mlops_lab.replay.flights import read_world
from mlops_lab.tables.facts import facts_of
from report import write_report

ROUNDS = 9
ENTITIES = 1_000_000
READS = 20_000
BATCH_ROWS = 100_000
VIEWS = [
    View("aircraft", "flights", by="tailnum", values={"aircraft_delay": last("arrival_delay")}),
    View("origin_3h", "flights", by="origin", over="3h", values={"origin_delay": mean("arrival_delay")}),
    View("weather", "weather", by="origin", values={"temperature": last("temperature")}),
]
FEATURES = Features(["aircraft_delay", "origin_delay", "temperature"], VIEWS)
Facts = dict[str, pl.DataFrame]


def read_flights() -> tuple[pl.DataFrame, Facts]:
    """All requests, and the facts of two tables."""
    project = load_project(Path(__file__).parents[1] / "examples" / "flights")
    world = read_world()
    facts = {
        "flights": facts_of(project, "flights", world.flights),
        "weather": facts_of(project, "weather", world.weather),
    }
    return world.flights.select("scheduled_at", "tailnum", "origin"), facts


# ---- offline ------------------------------------------------------------------------------------------------------


def join_by_hand(rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """The same three views as somebody would write them in Polars, sums in plain floats."""
    flights = facts["flights"].sort("_known_at")
    asked = rows.with_row_index("row").sort("scheduled_at")
    how = {"right_on": "_known_at", "strategy": "backward", "allow_exact_matches": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        aircraft = flights.filter(pl.col("tailnum").is_not_null()).select(
            "tailnum", "_known_at", aircraft_delay="arrival_delay"
        )
        found = asked.join_asof(aircraft, left_on="scheduled_at", by="tailnum", **how)
        running = flights.select(
            "origin",
            "_known_at",
            total=pl.col("arrival_delay").fill_null(0.0).cum_sum().over("origin"),
            number=pl.col("arrival_delay").is_not_null().cum_sum().over("origin"),
        )
        until = asked.join_asof(running, left_on="scheduled_at", by="origin", **how)
        earlier = asked.with_columns(pl.col("scheduled_at") - timedelta(hours=3))
        since = earlier.join_asof(running, left_on="scheduled_at", by="origin", **how)
        weather = facts["weather"].sort("_known_at").select("origin", "_known_at", "temperature")
        outside = asked.join_asof(weather, left_on="scheduled_at", by="origin", **how)
    number = until["number"].fill_null(0).cast(pl.Int64) - since["number"].fill_null(0).cast(pl.Int64)
    total = until["total"].fill_null(0.0) - since["total"].fill_null(0.0)
    return (
        pl.DataFrame({"row": asked["row"], "aircraft_delay": found["aircraft_delay"], "total": total, "number": number})
        .with_columns(
            outside["temperature"], origin_delay=pl.when(pl.col("number") > 0).then(pl.col("total") / pl.col("number"))
        )
        .sort("row")
        .select("aircraft_delay", "origin_delay", "temperature")
    )


def alternate(*jobs: Callable[[], object]) -> list[list[float]]:
    """Seconds of each job, taken in turns."""
    seconds: list[list[float]] = [[] for _ in jobs]
    for _ in range(ROUNDS):
        for number, job in enumerate(jobs):
            began = time.perf_counter()
            job()
            seconds[number].append(time.perf_counter() - began)
    return seconds


def compare_offline(rows: pl.DataFrame, facts: Facts) -> dict[str, float]:
    by_hand = join_by_hand(rows, facts)
    ours = look_up(FEATURES, rows, time="scheduled_at", facts=facts).select(FEATURES.inputs)
    differing = sum(int(ours[name].ne_missing(by_hand[name]).sum()) for name in ours.columns)
    bare, view = alternate(
        lambda: join_by_hand(rows, facts), lambda: look_up(FEATURES, rows, time="scheduled_at", facts=facts)
    )
    ratio = statistics.median(mine / theirs for mine, theirs in zip(view, bare, strict=True))
    print(f"offline, 3 views on {rows.height:,} rows: {ratio:.2f}× the bare Polars joins (at most 1.5 wanted)")
    print(f"  ours {statistics.median(view) * 1e3:.0f} ms, bare {statistics.median(bare) * 1e3:.0f} ms, "
          f"{differing} of {3 * rows.height:,} cells differ (where facts are tied)")  # fmt: skip
    return {
        "ratio": ratio,
        "ours_s": statistics.median(view),
        "bare_s": statistics.median(bare),
        "differing": differing,
    }


# ---- memory -------------------------------------------------------------------------------------------------------


def write_batches(times: int) -> None:
    """The inputs of `times` times all flights, written away batch by batch; prints the peak of this process in MiB."""
    rows, facts = read_flights()

    def batches() -> Iterator[pl.DataFrame]:
        for _ in range(times):
            yield from rows.iter_slices(BATCH_ROWS)

    with tempfile.TemporaryDirectory() as folder:
        for number, inputs in enumerate(compute_in_batches(FEATURES, batches(), time="scheduled_at", facts=facts)):
            inputs.write_parquet(Path(folder) / f"{number}.parquet")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare_memory() -> dict[str, float]:
    peaks = []
    for times in (1, 10):
        words = [sys.executable, __file__, "--batches", str(times)]
        peaks.append(float(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
    print(f"memory: {peaks[1] / peaks[0]:.2f}× for 10× the rows ({peaks[0]:.0f} MiB, {peaks[1]:.0f} MiB)")
    return {"ratio": peaks[1] / peaks[0], "once_mib": peaks[0], "ten_times_mib": peaks[1]}


# ---- online -------------------------------------------------------------------------------------------------------


def measure_reads(store: OnlineStore, view: View, entities: int) -> dict[str, float]:
    """Fill the store with two facts an entity, and read some, spread over all; microseconds an entity."""
    start = datetime(2013, 6, 1, tzinfo=UTC)
    for hour in (0, 1):
        moment = start + timedelta(hours=hour)
        rows = (
            make_fact_row({"key": key, "value": float(key % 100)}, moment, moment, str(hour)) for key in range(entities)
        )
        store.add("facts", rows)
    asked = to_micros(start + timedelta(hours=2))
    spent = []
    for number in range(READS):
        key = number * 7919 % entities
        began = time.perf_counter_ns()
        store.read(view, [key], [asked])
        spent.append((time.perf_counter_ns() - began) / 1e3)
    spent.sort()
    return {"p50_us": spent[len(spent) // 2], "p99_us": spent[len(spent) * 99 // 100]}


def measure_online() -> dict[str, dict[str, float]]:
    found = {}
    for name, over, value in (("last", None, last("value")), ("mean over 3h", "3h", mean("value"))):
        view = View(name, "facts", by="key", over=over, values={"value": value})
        before = resident_mib()
        store = MemoryStore([view])
        found[name] = measure_reads(store, view, ENTITIES) | {"mib": resident_mib() - before}
        p50, p99, mib = (found[name][figure] for figure in ("p50_us", "p99_us", "mib"))
        print(f"online, {ENTITIES:,} entities, {name}: p50 {p50:.1f} µs (at most 20 wanted), p99 {p99:.1f} µs")
        print(f"  {mib:.0f} MiB")
        del store
    return found


def resident_mib() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    if sys.argv[1:2] == ["--batches"]:
        write_batches(int(sys.argv[2]))
        return
    rows, facts = read_flights()
    figures = {"offline": compare_offline(rows, facts), "memory": compare_memory(), "online": measure_online()}
    write_report("features", figures)


if __name__ == "__main__":
    main()
