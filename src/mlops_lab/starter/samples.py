"""Tables to start with, where one has no data of one's own: `mlops init --sample shop`."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl

from mlops_lab.errors import NotFound
from mlops_lab.lake.sources import read_data
from mlops_lab.starter.options import InitOptions


@dataclass(frozen=True)
class Sample:
    """A sample table: the name and the text of its CSV file, the roles of its columns, and a sentence on its origin."""

    file: str
    options: InitOptions
    origin: str
    write: Callable[[], str]


def find_sample(name: str) -> Sample:
    """The sample of that name; NotFound lists those there are."""
    if name in SAMPLES:
        return SAMPLES[name]
    hint = f"the samples are {', '.join(SAMPLES)}"
    raise NotFound(f'there is no sample "{name}"', code="unknown_sample", where="--sample", hint=hint)


def read_sample(sample: Sample) -> pl.DataFrame:
    """The table, read from its file as a project reads it."""
    with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
        path = Path(folder) / sample.file
        path.write_text(sample.write(), encoding="utf-8")
        return read_data(str(path))


# ---- shop ------------------------------------------------------------------------------------------------------------

_ORDERS = 2_500
_SEED = 7
_FIRST = datetime(2026, 1, 5, 6)
_CITIES = {"Berlin": 0.0, "Hamburg": 0.3, "Köln": 0.1, "Leipzig": 0.5, "München": 0.9}
_CARRIERS = {"Blitz": -0.9, "Kurier Nord": 0.0, "Paketring": 0.8}
ORDER_COLUMNS = (
    *("order_id", "ordered_at", "customer", "city", "carrier", "items"),
    *("weight_kg", "price", "express", "known_at", "late"),
)


def _write_shop() -> str:
    """The orders of half a year, and whether each came late."""
    random = Random(_SEED)  # unlike NumPy's generators, the same in every release
    moment, rows = _FIRST, []
    for number in range(_ORDERS):
        moment += timedelta(minutes=1 + int(random.expovariate(1 / 100)))
        rows.append([f"A-{10_000 + number}", *make_order(moment, random)])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([ORDER_COLUMNS, *rows])
    return text.getvalue()


def make_order(moment: datetime, random: Random) -> list[object]:
    """An order but for its id. What makes it late: carrier and city, a heavy parcel, the evening, the weekend."""
    city, carrier = random.choice([*_CITIES]), random.choice([*_CARRIERS])
    items = 1 + int(random.expovariate(0.5))
    weight = round(items * random.lognormvariate(-0.3, 0.6), 2)
    price = round(items * random.lognormvariate(3, 0.5), 2)
    express = random.random() < 0.2
    delay = _CITIES[city] + _CARRIERS[carrier] - 1.2 * express + random.gauss(0, 0.7)
    delay += 1.6 * (weight > 3) + 1.2 * (moment.hour >= 17) + 0.8 * (moment.weekday() >= 4)
    delay += 1.5 * (city == "München" and carrier == "Paketring")
    late = delay > 2
    delivered = moment + timedelta(hours=40 + 8 * delay)
    return [
        f"{moment:%Y-%m-%dT%H:%MZ}",
        f"C-{random.randrange(60) + 12 * random.randrange(8):03}",
        city,
        carrier,
        items,
        "" if random.random() < 0.04 else weight,  # not every parcel was weighed
        price,
        "yes" if express else "no",
        f"{delivered:%Y-%m-%dT%H:%MZ}",
        "yes" if late else "no",
    ]


# ---- iris ------------------------------------------------------------------------------------------------------------


def _write_iris() -> str:
    """Fisher's 150 irises, as scikit-learn ships them."""
    from sklearn.datasets import load_iris  # heavy, and needed for this sample only

    data = load_iris()
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in data.feature_names]
    rows = [[*row, data.target_names[code]] for row, code in zip(data.data.tolist(), data.target, strict=True)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[*names, "species"], *rows])
    return text.getvalue()


SAMPLES = {
    "shop": Sample(
        "orders.csv",
        InitOptions("late", time="ordered_at", key="customer"),
        "Its data is made up: a program of MLOps Lab wrote 2,500 orders of a shop that does not exist.",
        _write_shop,
    ),
    "iris": Sample(
        "iris.csv",
        InitOptions("species"),
        "Its data is real: the 150 irises that Fisher published in 1936, from scikit-learn.",
        _write_iris,
    ),
}
"""Every sample, by its name."""
