"""Short runs of the real system. CPU time is measured where it can be: others on the machine change it little."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

import bench_growth
import bench_scale
from capacity.constants import Constants
from capacity.separate import MIB, run_self, say, size_of, slope
from capacity.server_runs import Loaded, fit_loads, measure_loads, measure_log
from mlops_lab.doctor.checks.disk import measure_fsync_ms
from serving.work import prepare_work

DAYS = (100_000, 1_000_000)
ENTITIES = (200_000, 800_000)
TRAINED = (100_000, 1_000_000)
INPUTS = 9


def measure_all() -> tuple[Constants, list[Loaded]]:
    """The constants, and all loads."""
    with tempfile.TemporaryDirectory() as temporary:
        say("two versions are trained, whose server is measured")
        work = prepare_work(Path(temporary) / "work")
        loads = measure_loads(work)
        log = measure_log(work)
    days = [measure_day(rows) for rows in DAYS]
    entities = [run_self("--entities", str(count)) for count in ENTITIES]
    trained = [measure_training(rows) for rows in TRAINED]
    say("done")
    return (
        Constants(
            **fit_loads(loads),
            **log,
            sync_us=measure_fsync_ms(Path.cwd()) * 1000,
            measure_us=slope(DAYS, [day.cost.cpu_seconds * 1e6 for day in days]),
            measure_bytes=slope(DAYS, [day.cost.peak_mib * MIB for day in days]),
            lake_bytes=days[-1].prediction_bytes,
            outcome_bytes=days[-1].outcome_bytes,
            entity_bytes=slope(ENTITIES, [found["bytes"] for found in entities]),
            training_us=slope(TRAINED, [seconds * 1e6 for seconds in trained]),
        ),
        loads,
    )


@dataclass(frozen=True)
class Day:
    """A measured day: what its tick cost, and the bytes of a prediction and of an outcome in the tables."""

    cost: bench_growth.Cost
    prediction_bytes: float
    outcome_bytes: float


def measure_day(rows: int) -> Day:
    """A tick that measures a day of so many predictions with made-up features, all with an outcome."""
    say(f"a day of {rows:,} predictions is measured")
    end = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with tempfile.TemporaryDirectory() as temporary:
        from mlops_lab.project import load_project
        from mlops_lab.tables.open_lake import open_lake

        root, rng, start = Path(temporary) / "project", np.random.default_rng(1), end - timedelta(days=1)
        bench_growth.start_project(root, start, rng)
        project = load_project(root)
        lake = open_lake(project)
        orders = bench_growth.make_orders(rng, start, days=1, rows=rows, first=bench_growth.FIRST_ROWS)
        bench_growth.log_day(project, lake, orders, rng)
        sizes = {name: size_of(root / ".mlops" / "lake" / name, "*.parquet") for name in lake.tables()}
        digests = sizes["log_digests"] / 2  # of both
        return Day(
            cost=bench_growth.run(root, "tick", "--at", (end + timedelta(hours=1)).isoformat()),
            prediction_bytes=(sizes["predictions"] + digests) / rows,
            outcome_bytes=(sizes["outcomes"] + digests) / rows,
        )


def measure_training(rows: int) -> float:
    """CPU seconds of a first `mlops run`."""
    say(f"a training on {rows:,} rows")
    with tempfile.TemporaryDirectory() as temporary:
        bench_scale.make_project(Path(temporary), rows, INPUTS)
        return bench_growth.run(Path(temporary), "run").cpu_seconds
