"""A small made-up project: parcels, and whether each comes late. Forty days of which the first 24 are the past.

From day 24 on there is a new depot, "e", where nearly everything is late: the first model has never seen it, so
there is something for the loop to win back. Numbers are multiples of powers of two: sums of them are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.clock import day_start

ZONE = "Europe/Berlin"  # its clocks change on day 30
FIRST = date(2024, 3, 1)
PAST_DAYS, DAYS, A_DAY = 24, 40, 75
DEPOTS = {"a": 0.1, "b": 0.25, "c": 0.5, "d": 0.15, "e": 0.95}

CONFIG = f"""\
[project]
name = "parcels"
timezone = "{ZONE}"
clock = "data"

[source]
table = "parcels"
data = "data/parcels.parquet"
id = "parcel_id"
time = "asked_at"
known_at = "arrived_at"
label = "late"
key = "customer"
outcome_within_days = 5

[source.request]
asked_at = "datetime"
depot = "string"
customer = "string?"
items = "integer"
distance = "float"
weight = "float?"
express = "boolean?"

[source.outcome]
late = "boolean"
delay = "float?"

[tables.traffic]
data = "data/traffic.csv"
key = ["depot"]
known_at = "seen_at"

[tables.traffic.fields]
depot = "string"
seen_at = "datetime"
load = "float?"

[tables.depots]
data = "data/depots.jsonl"
key = ["depot"]

[tables.depots.fields]
depot = "string"
docks = "integer?"

[backtest]
days = 4
min_days = 3

[gates]
slices = ["depot"]
slice_min_rows = 40
max_slice_loss = 0.2
max_calibration_gap = 0.2

[rollout]
shadow_days = 1
canary_days = 1
canary_share = 0.5
max_loss = 0.1

[triggers]
every_days = 30
cooldown_days = 6
window_days = 3

[serving]
port = 18321
durability = "async"
"""

PIPELINE = '''\
"""How a request about a parcel becomes a prediction."""

import polars as pl

from mlops_lab.features import Features, View, count, last, mean

asked = pl.col("asked_at")

features = Features(
    views=[
        View("depot_12h", "parcels", by="depot", over="12h", values={"depot_delay": mean("delay"), "depot_seen": count("delay")}),
        View("customer", "parcels", by="customer", values={"customer_delay": last("delay"), "customer_at": last("arrived_at")}),
        View("traffic", "traffic", by="depot", values={"load": last("load")}),
        View("depots", "depots", by="depot", values={"docks": last("docks")}),
    ],
    derived={
        "hour": asked.dt.convert_time_zone("Europe/Berlin").dt.hour(),
        "per_item": pl.col("distance") / pl.col("items"),
        "hours_since": (asked - pl.col("customer_at")).dt.total_minutes() / 60,
        "evening": asked.dt.convert_time_zone("Europe/Berlin").dt.hour() >= 18,
    },
    inputs=[
        "depot", "items", "distance", "weight", "express",
        "depot_delay", "depot_seen", "customer_delay", "load", "docks",
        "hour", "per_item", "hours_since", "evening",
    ],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=20, learning_rate=0.2, num_leaves=8, min_child_samples=10, min_data_per_group=10, cat_smooth=1,
        n_jobs=1, deterministic=True, force_row_wise=True, random_state=1, verbose=-1,
    )
'''


@dataclass(frozen=True)
class World:
    """What happened: `parcels` by the moment they were asked about, `traffic` by the moment it was seen, `depots`."""

    parcels: pl.DataFrame
    traffic: pl.DataFrame
    depots: pl.DataFrame


@dataclass(frozen=True)
class Moment:
    """What became known since the moment before, then what is asked at this one. JSON-ready rows."""

    at: datetime
    outcomes: list[dict[str, Any]]
    traffic: list[dict[str, Any]]
    requests: list[dict[str, Any]]


def day_begin(number: float) -> datetime:
    """The UTC moment at which day `number` (from 0) begins; 1.5 is twelve hours after the beginning of day 1."""
    return day_start(FIRST + timedelta(days=int(number)), ZONE) + timedelta(days=number % 1)


def make_world() -> World:
    """Always the same forty days."""
    random = np.random.default_rng(7)
    depots = pl.DataFrame(
        {"depot": ["a", "b", "c", "d"], "docks": [4, 2, None, 8]}, schema={"depot": pl.String, "docks": pl.Int64}
    )
    traffic = [
        (
            depot,
            day_begin(0) + timedelta(hours=6 * step),
            None if random.random() < 0.1 else int(random.integers(0, 17)) / 8,
        )
        for step in range(4 * DAYS)
        for depot in DEPOTS
    ]
    load = {(depot, at): value for depot, at, value in traffic}
    rows = []
    for day in range(DAYS):
        for micros in np.sort(random.integers(0, 23 * 3600 * 1_000_000, A_DAY)):
            at = day_begin(day) + timedelta(microseconds=int(micros))
            depot = str(random.choice(list("abcd") if day < PAST_DAYS else list("abcdee")))
            items = int(random.integers(1, 10))
            step = (at - day_begin(0)) // timedelta(hours=6)
            busy = load[depot, day_begin(0) + timedelta(hours=6 * step)] or 0.0
            late = bool(random.random() < DEPOTS[depot] + 0.04 * (items - 5) * (depot != "e") + 0.1 * (busy > 1))
            lost = random.random() < 0.05
            delay = float(random.integers(15, 180)) if late else float(random.integers(-20, 15))
            rows.append(
                {
                    "parcel_id": f"p{len(rows):05d}",
                    "asked_at": at,
                    "depot": depot,
                    "customer": None if random.random() < 0.05 else f"k{random.integers(0, 60)}",
                    "items": items,
                    "distance": int(random.integers(1, 400)) / 4,
                    "weight": None if random.random() < 0.2 else int(random.integers(1, 80)) / 8,
                    "express": None if random.random() < 0.2 else bool(random.random() < 0.3),
                    "arrived_at": at + timedelta(seconds=int(random.integers(3600, 5 * 3600))),
                    "late": late,
                    "delay": None if late and lost else delay,
                }
            )
    for index in range(0, len(rows) - 60, 11):  # known at the very moment of a later request: not seen by it
        later = next(row for row in rows[index + 1 :] if row["asked_at"] > rows[index]["asked_at"] + timedelta(hours=1))
        rows[index]["arrived_at"] = later["asked_at"]
    moment = pl.Datetime("us", "UTC")
    parcels = pl.DataFrame(rows, schema_overrides={"asked_at": moment, "arrived_at": moment})
    seen = pl.DataFrame(traffic, schema={"depot": pl.String, "seen_at": moment, "load": pl.Float64}, orient="row")
    return World(parcels.sort("asked_at", "parcel_id"), seen.sort("seen_at", "depot"), depots)


def write_project(folder: Path, world: World) -> None:
    """The project's two files and its data as known when day 24 begins: one file of each format."""
    (folder / "data").mkdir(parents=True)
    (folder / "mlops.toml").write_text(CONFIG)
    (folder / "pipeline.py").write_text(PIPELINE)
    now = day_begin(PAST_DAYS)
    world.parcels.filter(pl.col("arrived_at") < now).write_parquet(folder / "data/parcels.parquet")
    seen = pl.col("seen_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    world.traffic.filter(pl.col("seen_at") < now).with_columns(seen).write_csv(folder / "data/traffic.csv")
    world.depots.write_ndjson(folder / "data/depots.jsonl")


def ask(row: dict[str, Any]) -> dict[str, Any]:
    """The request about a parcel, as a client sends it."""
    names = ("asked_at", "depot", "customer", "items", "distance", "weight", "express")
    return {"id": row["parcel_id"], **{name: _plain(row[name]) for name in names}}


def tell(row: dict[str, Any]) -> dict[str, Any]:
    """The outcome of a parcel, as a client sends it."""
    return {"id": row["parcel_id"], "known_at": _plain(row["arrived_at"]), "late": row["late"], "delay": row["delay"]}


def live(world: World, start: datetime, end: datetime) -> Iterator[Moment]:
    """The moments from `start` to `end` at which something is asked, and `end` itself.

    Outcomes and traffic come in order, each as soon as it is known; only parcels asked about since day 24 have one.
    """
    asked = pl.col("asked_at")
    began = day_begin(PAST_DAYS)
    known = world.parcels.filter(asked >= began, pl.col("arrived_at") >= start, pl.col("arrived_at") < end)
    outcomes = known.sort("arrived_at", "parcel_id").to_dicts()
    traffic = world.traffic.filter(pl.col("seen_at") >= start, pl.col("seen_at") < end).to_dicts()
    requests = world.parcels.filter(asked >= start, asked < end).to_dicts()
    for at in [*dict.fromkeys(row["asked_at"] for row in requests), end]:
        told = [outcomes.pop(0) for row in tuple(outcomes) if row["arrived_at"] <= at]
        seen = [traffic.pop(0) for row in tuple(traffic) if row["seen_at"] <= at]
        yield Moment(
            at,
            [tell(row) for row in told],
            [{**row, "seen_at": _plain(row["seen_at"])} for row in seen],
            [ask(row) for row in requests if row["asked_at"] == at],
        )


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
