"""Microseconds a row of LightGBM's own library and of a forest of bits: the same model, the same rows, one thread each.

300 trees of 31 leaves on 18 inputs, three of them categories. No row is asked twice: a processor learns its way through
the trees by heart. Exits with 1 where an answer differs by a bit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from mlops_lab.registry.forest import BitForest
from mlops_lab.registry.lightgbm import Booster
from report import write_report

ROWS, WIDTH = 50_000, 18
AT_ONCE = (1, 16, 100, 10_000)
RUNS = 200
Matrix = npt.NDArray[np.float64]


def train() -> tuple[str, Matrix]:
    """A model as text, and rows like those it has learned from."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, WIDTH))
    rows[:, :3] = rng.integers(0, 30, (ROWS, 3))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    score = (
        np.nansum(rows[:, 3:8], axis=1) + np.sin(np.nan_to_num(rows[:, 0])) + np.nan_to_num(rows[:, 9] * rows[:, 10])
    )
    label = score + rng.logistic(size=ROWS) > 0
    data = lightgbm.Dataset(rows, label, categorical_feature=[0, 1, 2], params={"verbose": -1})
    parameters = {"objective": "binary", "num_leaves": 31, "seed": 1, "verbose": -1}
    return str(lightgbm.train(parameters, data, num_boost_round=300).model_to_string()), rows


def measure(sides: dict[str, Callable[[Matrix], Any]], rows: Matrix, at_once: int) -> dict[str, float]:
    """The median microseconds a row of each side, taken in turn."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(min(RUNS, len(rows) // at_once)):
        batch = rows[run * at_once : (run + 1) * at_once]
        for name, ask in sides.items():
            began = perf_counter()
            ask(batch)
            spent[name].append(perf_counter() - began)
    return {name: median(times) / at_once * 1e6 for name, times in spent.items()}


def main() -> int:
    text, rows = train()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.txt"
        path.write_text(text)
        booster = Booster(path)
    forest = BitForest(text)
    differing = int((booster.predict(rows) != forest.predict(rows)).sum())
    sides = {"lightgbm": lambda batch: booster.predict(batch, threads=1), "forest": forest.predict}
    figures = {at_once: measure(sides, rows, at_once) for at_once in AT_ONCE}
    for at_once, micros in figures.items():
        ratio = micros["lightgbm"] / micros["forest"]
        told = ", ".join(f"{name} {of:5.2f} µs a row" for name, of in micros.items())
        print(f"{at_once:6,} rows at once: {ratio:4.1f}× as fast ({told})")
    print(f"answers that differ: {differing} of {len(rows):,}")
    write_report("forest", {"micros_a_row": figures, "differing": differing})
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
