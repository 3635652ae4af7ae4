"""What the commands of a project cost with much history, against one with little: ratios of CPU time, and peak memory.

    python benchmarks/bench_growth.py [PREDICTIONS PREDICTIONS] [--in FOLDER]

Makes two projects with the same number of predictions a day (written in the product's own schema, without a server),
which differ only in how many days there were. Exits with 1 where a ratio is above its limit.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from report import write_report

if TYPE_CHECKING:
    from mlops_lab.lake import Lake
    from mlops_lab.project import Project

PER_DAY = 25_000
SHOPS = 2000
RUNS = 5
START_MIB = 500
FIRST_ROWS = 1200
MLOPS = [sys.executable, "-c", "from mlops_lab.cli import main; main()"]
CONFIG = """
[project]
name = "growth"

[source]
table = "orders"
data = "orders.parquet"
id = "order_id"
time = "ordered_at"
known_at = "known_at"
label = "late"
outcome_within_days = 1

[source.request]
ordered_at = "datetime"
shop = "string"
amount = "float"

[source.outcome]
late = "boolean"
hours = "float?"

[tables.stock]
data = "stock.parquet"
key = ["shop"]
known_at = "known_at"

[tables.stock.fields]
shop = "string"
known_at = "datetime"
items = "float?"

[backtest]
share = 0.2

[gates]
max_calibration_gap = 1.0

[triggers]
every_days = 3650
max_calibration_gap = 1.0
"""
PIPELINE = """
from mlops_lab.features import Features, View, count, last, mean, share

features = Features(
    views=[
        View("late_6h", "orders", by="shop", over="6h", values={"late_6h": share("late"), "seen_6h": count("late")}),
        View("hours_1d", "orders", by="shop", over="1d", values={"hours_1d": mean("hours")}),
        View("last", "orders", by="shop", values={"last_hours": last("hours")}, ttl="1d"),
        View("stock", "stock", by="shop", values={"items": last("items")}),
    ],
    inputs=["amount", "late_6h", "seen_6h", "hours_1d", "last_hours", "items"],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=8, num_leaves=4, n_jobs=1, verbose=-1)
"""
FEATURES = ("late_6h", "seen_6h", "hours_1d", "last_hours", "items")


class Limit(NamedTuple):
    """How much more something may cost with much history; `per_prediction`: each prediction, where all are read."""

    ratio: float
    per_prediction: bool = False


LIMITS = {
    "tick that measures a day": Limit(1.2),
    "explain": Limit(1.5),
    "start of a server": Limit(1.5),
    "ingest of one row": Limit(1.2),
    "status": Limit(1.2),
    "features verify": Limit(1.2, per_prediction=True),
}


class Cost(NamedTuple):
    """CPU seconds of a process and all that it started, and the most memory that one of them held."""

    cpu_seconds: float
    peak_mib: float


# ---- making a project -------------------------------------------------------------------------------------------


def make_project(root: Path, predictions: int, *, end: datetime) -> str:
    """A project with a live version and so many predictions and outcomes until `end`; the id of the first one."""
    from mlops_lab.project import load_project
    from mlops_lab.tables.open_lake import open_lake

    days = max(1, predictions // PER_DAY)
    start = end - timedelta(days=days)
    rng = np.random.default_rng(1)
    start_project(root, start, rng)
    project = load_project(root)
    lake = open_lake(project)
    for day in range(days):
        orders = make_orders(rng, start + timedelta(days=day), days=1, rows=PER_DAY, first=FIRST_ROWS + day * PER_DAY)
        log_day(project, lake, orders, rng)
    note_measured(lake, end - timedelta(days=RUNS))
    return f"{FIRST_ROWS:032x}"


def start_project(root: Path, start: datetime, rng: np.random.Generator) -> None:
    """A project with a version that is live since `start`."""
    root.mkdir(parents=True)
    (root / "mlops.toml").write_text(CONFIG)
    (root / "pipeline.py").write_text(PIPELINE)
    past = make_orders(rng, start - timedelta(days=20), days=20, rows=FIRST_ROWS, first=0)
    past.rename({"id": "order_id"}).write_parquet(root / "orders.parquet")
    moments = pl.datetime_range(start - timedelta(days=20), start, "12h", time_zone="UTC", eager=True)
    stock = pl.DataFrame({"known_at": moments}).join(pl.DataFrame({"shop": shop_names(np.arange(200))}), how="cross")
    stock.with_columns(items=pl.lit(3.0)).write_parquet(root / "stock.parquet")
    run(root, "run", "--at", start.isoformat())


def make_orders(rng: np.random.Generator, start: datetime, *, days: int, rows: int, first: int) -> pl.DataFrame:
    micros = np.sort(rng.integers(0, days * 86_400_000_000, rows))
    amount = rng.uniform(1, 100, rows).round(1)
    frame = pl.DataFrame({"id": [f"{number:032x}" for number in range(first, first + rows)], "after": micros})
    moment = pl.lit(start, pl.Datetime("us", "UTC")) + pl.duration(microseconds=pl.col("after"))
    return frame.with_columns(
        ordered_at=moment,
        shop=shop_names(rng.integers(0, SHOPS, rows)),
        amount=pl.Series(amount),
        known_at=moment + pl.duration(hours=3),
        late=pl.Series(amount > 50),
        hours=pl.lit(3.0),
    ).drop("after")


def shop_names(numbers: np.ndarray) -> pl.Series:
    return pl.Series("shop", [f"s{number}" for number in numbers])


def log_day(project: Project, lake: Lake, orders: pl.DataFrame, rng: np.random.Generator) -> None:
    """What intake writes about a day: digests, outcomes, predictions."""
    from mlops_lab.schemas.digest import digest_rows
    from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS

    values = {name: pl.Series(rng.normal(size=orders.height).round(4)) for name in FEATURES}
    answered = orders.with_columns(
        at="ordered_at",
        predicted_at="ordered_at",
        version=pl.lit(1),
        role=pl.lit("champion"),
        verdict=pl.lit("accepted"),
        output=pl.Series(rng.uniform(size=orders.height)),
        **values,
    )
    for table, more in ((OUTCOMES, {}), (PREDICTIONS, dict.fromkeys(FEATURES, pl.Float64()))):
        schema = {**table.schema(project), **more}
        rows = answered.select(
            pl.col(name).cast(dtype) if name in answered.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in schema.items()
        )
        digests = digest_rows(rows, id_column="id", time_column=table.time)
        named = digests.with_columns(table=pl.lit(table.name), writer=pl.lit("before"), first=0, last=0)
        types = LOG_DIGESTS.fixed_schema
        LOG_DIGESTS.append(lake, named.select(pl.col(name).cast(dtype) for name, dtype in types.items()))
        table.append(lake, rows)


def note_measured(lake: Lake, until: datetime) -> None:
    """Note that the days until then were measured: the ticks that are timed measure one day each."""
    from mlops_lab.loop.days import WRITER, position_of
    from mlops_lab.monitoring.measure import note_unmeasured
    from mlops_lab.monitoring.window import Window
    from mlops_lab.tables.declared import MEASUREMENTS

    window = Window(until - timedelta(days=1), until)
    rows = note_unmeasured(window, version=1, reason="generated")
    MEASUREMENTS.append(lake, rows, position=position_of(window, WRITER))


# ---- measuring --------------------------------------------------------------------------------------------------


def run(root: Path, *words: str, may_fail: bool = False) -> Cost:
    """The cost of a command."""
    process = subprocess.Popen([*MLOPS, *words], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    text = process.stderr.read()
    cost, code = wait(process)
    if code and not may_fail:
        raise SystemExit(f"mlops {' '.join(words)}: {text}")
    return cost


def start_server(root: Path) -> Cost:
    """The cost of a server until it says that it answers."""
    process = subprocess.Popen(
        [*MLOPS, "serve", "--port", "0"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    return wait(process)[0]


def wait(process: subprocess.Popen[str]) -> tuple[Cost, int]:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), process.returncode


def commands_of(root: Path, prediction: str, *, end: datetime) -> dict[str, Callable[[int], Cost]]:
    """What is measured: each command, given the number of its run."""

    def ingest(number: int) -> Cost:
        moment = (end + timedelta(seconds=number)).isoformat()
        (root / "row.csv").write_text(f"shop,known_at,items\ns1,{moment},{number}\n")
        return run(root, "ingest", "stock", "row.csv")

    def tick(number: int) -> Cost:
        return run(root, "tick", "--at", (end - timedelta(days=RUNS - 1 - number) + timedelta(hours=1)).isoformat())

    return {
        "tick that measures a day": tick,
        "explain": lambda _: run(root, "explain", prediction),
        "start of a server": lambda _: start_server(root),
        "ingest of one row": ingest,
        "status": lambda _: run(root, "status"),
        "features verify": lambda _: run(root, "features", "verify", may_fail=True),  # the features are made up
    }


def measure(roots: dict[int, Path], ids: dict[int, str], *, end: datetime) -> dict[int, dict[str, Cost]]:
    """The cost of each command in each project: the median of some runs, of which each is made in one and the other."""
    for root in roots.values():  # what is done only once
        run(root, "tick", "--at", (end - timedelta(days=RUNS) + timedelta(hours=1)).isoformat())
        start_server(root)
        run(root, "explain", ids[next(iter(ids))])
    commands = {size: commands_of(root, ids[size], end=end) for size, root in roots.items()}
    costs: dict[int, dict[str, Cost]] = {size: {} for size in roots}
    for name, limit in LIMITS.items():
        numbers = range(1 if limit.per_prediction else RUNS)
        runs = [{size: commands[size][name](number) for size in roots} for number in numbers]
        for size in roots:
            costs[size][name] = Cost(*(median(column) for column in zip(*(one[size] for one in runs), strict=True)))
    return costs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("predictions", nargs="*", type=int, default=[100_000, 10_000_000])
    parser.add_argument("--in", dest="folder", help="where the projects are made, and left; else a temporary folder")
    options = parser.parse_args()
    little, much = options.predictions
    end = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with tempfile.TemporaryDirectory() as temporary:
        roots = {size: Path(options.folder or temporary) / f"{size}" for size in (little, much)}
        ids = {size: make_project(root, size, end=end) for size, root in roots.items()}
        costs = measure(roots, ids, end=end)
    is_met = True
    rows = []
    print(f"{'CPU seconds':<26}{little:>14,}{much:>14,}{'ratio':>9}{'limit':>9}{'peak MiB':>10}")
    for name, limit in LIMITS.items():
        few, many = costs[little][name], costs[much][name]
        allowed = limit.ratio * (much / little if limit.per_prediction else 1)
        ratio = many.cpu_seconds / few.cpu_seconds
        is_met &= ratio <= allowed and (name != "start of a server" or many.peak_mib <= START_MIB)
        print(
            f"{name:<26}{few.cpu_seconds:>14.2f}{many.cpu_seconds:>14.2f}{ratio:>9.2f}{allowed:>9.1f}{many.peak_mib:>10.0f}"
        )
        rows.append({"name": name, "little": few._asdict(), "much": many._asdict(), "ratio": ratio, "limit": allowed})
    print(f"{'start of a server, limit':<72}{START_MIB:>10}")
    write_report("growth", {"predictions": [little, much], "rows": rows})
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
