"""A made-up project with sixty days of history, loaded and not trained: a ground trains its own version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from mlops_lab.intake.sources import load_sources
from mlops_lab.project import Project, load_project
from mlops_lab.tables.open_lake import open_lake

FIRST, DAYS, A_DAY = datetime(2024, 3, 4, tzinfo=UTC), 60, 120

CONFIG = """
[project]
name = "shop"
clock = "data"

[source]
table = "orders"
data = "orders.parquet"
id = "order_id"
time = "asked_at"
known_at = "known_at"
label = "late"

[source.request]
asked_at = "datetime"
shop = "string"
amount = { type = "float", min = 0 }
items = "integer"
rating = "float?"

[source.outcome]
late = "boolean"

[tables.traffic]
data = "traffic.parquet"
key = ["shop"]
known_at = "seen_at"

[tables.traffic.fields]
shop = "string"
seen_at = "datetime"
load = "float?"

[backtest]
days = 4
min_days = 3

[triggers]
every_days = 14

[serving]
durability = "async"
"""

PIPELINE = """
from mlops_lab.features import Features, View, last

features = Features(
    views=[View("traffic", "traffic", by="shop", ttl="12h", values={"load": last("load")})],
    inputs=["shop", "amount", "items", "rating", "load"],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, num_leaves=8, n_jobs=1, deterministic=True, force_row_wise=True, random_state=1, verbose=-1)
"""


def write_project(folder: Path, *, days: int = DAYS, a_day: int = A_DAY) -> Project:
    """The project with its data in the lake."""
    random = np.random.default_rng(5)
    shops = list("abcd")
    traffic = [
        (shop, FIRST + timedelta(hours=6 * step), float(random.normal())) for step in range(4 * days) for shop in shops
    ]
    load = {(shop, at): value for shop, at, value in traffic}
    rows = []
    for day in range(days):
        for second in np.sort(random.integers(1, 86_000, a_day)):
            at = FIRST + timedelta(days=day, seconds=int(second))
            shop, amount = str(random.choice(shops)), float(np.round(random.gamma(2, 20), 2))
            rating = None if random.random() < 0.1 else float(np.round(random.normal(3, 1), 1))
            seen = FIRST + timedelta(hours=6 * ((at - FIRST) // timedelta(hours=6)))
            score = -2 + 0.04 * amount + load[shop, seen] - 0.8 * ((rating or 3) - 3)
            known = at + timedelta(hours=float(random.uniform(1, 6)))
            late = bool(random.random() < 1 / (1 + np.exp(-score)))
            rows.append((f"o{len(rows):05d}", at, shop, amount, int(random.integers(1, 9)), rating, known, late))
    names = ["order_id", "asked_at", "shop", "amount", "items", "rating", "known_at", "late"]
    folder.mkdir()
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "orders.parquet")
    pl.DataFrame(traffic, schema=["shop", "seen_at", "load"], orient="row").write_parquet(folder / "traffic.parquet")
    (folder / "mlops.toml").write_text(CONFIG)
    (folder / "pipeline.py").write_text(PIPELINE)
    project = load_project(folder)
    now = FIRST + timedelta(days=days)
    load_sources(project, open_lake(project), now=now, received_at=now)
    return project
