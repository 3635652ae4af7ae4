"""Microseconds a row of LightGBM's own library and of a forest of bits: the same model, rows and number of threads.

300 trees of 31 leaves on 18 inputs, three of them categories. No row is asked twice: a processor learns its way through
the trees by heart. (Of 100,000 at once, not before all others.) On all cores LightGBM's library takes a thread for each
core, the forest as many of them as pay. Exits with 1 where an answer differs by a bit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `mlops` sets it: threads that spin are in the other's way

import lightgbm
import numpy as np
import numpy.typing as npt

from mlops_lab.registry.engines.base import count_cores
from mlops_lab.registry.engines.forest import CompiledForest
from mlops_lab.registry.engines.lightgbm import Booster
from report import write_report

ROWS, WIDTH = 100_000, 18
CASES = ((1, 1), (16, 1), (100, 1), (1_600, 1), (1_600, 0), (100_000, 1), (100_000, 0))
"""How many rows at once, and on how many threads (0: all cores)."""
FEWEST_RUNS, MOST_RUNS = 5, 200
Matrix = npt.NDArray[np.float64]
Ask = Callable[[Matrix, int], Any]


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


def measure(sides: dict[str, Ask], rows: Matrix, at_once: int, threads: int) -> dict[str, float]:
    """The median microseconds a row of each side, taken in turn."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(max(FEWEST_RUNS, min(MOST_RUNS, len(rows) // at_once))):
        first = run * at_once % len(rows)
        batch = rows[first : first + at_once]
        for name, ask in sides.items():
            began = perf_counter()
            ask(batch, threads)
            spent[name].append(perf_counter() - began)
    return {name: median(times) / at_once * 1e6 for name, times in spent.items()}


def main() -> int:
    text, rows = train()
    booster = Booster(text.encode())
    forest = CompiledForest(text)
    differing = sum(int((booster.predict(rows) != forest.predict(rows, threads=threads)).sum()) for threads in (0, 1))
    sides: dict[str, Ask] = {
        "lightgbm": lambda batch, threads: booster.predict(batch, threads=threads),
        "forest": lambda batch, threads: forest.predict(batch, threads=threads),
    }
    figures = []
    for at_once, threads in CASES:
        micros = measure(sides, rows, at_once, threads)
        figures.append({"rows_at_once": at_once, "threads": threads or count_cores(), "micros_a_row": micros})
        where = "one thread" if threads == 1 else f"{count_cores()} cores"
        told = ", ".join(f"{name} {of:5.2f} µs a row" for name, of in micros.items())
        print(f"{at_once:7,} rows at once, {where}: {micros['lightgbm'] / micros['forest']:4.1f}× as fast ({told})")
    print(f"answers that differ: {differing} of {2 * len(rows):,}")
    write_report("forest", {"figures": figures, "differing": differing})
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
