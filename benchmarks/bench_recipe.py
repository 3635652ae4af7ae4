"""The model that `mlops init` writes, beside LightGBM with its own defaults, on public tables: same folds, one run.

Usage: python benchmarks/bench_recipe.py [WORD …]      only tables with one of the words in their name

The rival is LGBMClassifier() or LGBMRegressor() as LightGBM makes it (100 trees of 31 leaves at a rate of 0.1), given
the same matrix, with the categories declared as such; where there is free text, after scikit-learn's TfidfVectorizer().
Loss is log loss for classes, and the root mean squared error for numbers. Small tables: five times five folds; larger
ones: five folds once, three from 20,000 rows on; where rows are ordered by time, the last quarter is predicted from the
rest. The calibration error (ECE) is that of ten bins with equally many rows: of the probability of yes, or of the
likeliest class. `chance` is what a perfectly calibrated model would show on as many rows.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from mlops_lab.registry.engines.encoding import Encoder, learn_categories
from mlops_lab.registry.frames import to_pandas
from mlops_lab.starter.recipe import MEDIUM_ROWS, write_model
from public_tables import Table, list_tables
from report import write_report

BINS, SIMULATIONS, LARGE_ROWS = 10, 50, 2_000_000
SMALL, LARGE = 2_000, 20_000  # rows: below, folds are drawn five times; from there on, there are three
Array = np.ndarray[Any, Any]


@dataclass
class Trial:
    """What one model cost on a table: the loss of every row predicted, calibration errors, and seconds."""

    losses: list[Array] = field(default_factory=list)
    confidence: list[Array] = field(default_factory=list)
    came_true: list[Array] = field(default_factory=list)
    seconds: float = 0.0

    def loss(self, task: str) -> float:
        mean = float(np.concatenate(self.losses).mean())
        return math.sqrt(mean) if task == "regression" else mean

    def calibration(self, folds: int) -> tuple[float, float]:
        """The mean error of each time that all rows were predicted, and what chance gives."""
        errors, chances = [], []
        draw = np.random.default_rng(0)
        for start in range(0, len(self.confidence), folds):
            said = np.concatenate(self.confidence[start : start + folds])
            true = np.concatenate(self.came_true[start : start + folds])
            errors.append(_ece(said, true))
            chances += [_ece(said, draw.random(len(said)) < said) for _ in range(SIMULATIONS // 5)]
        return float(np.mean(errors)), float(np.mean(chances))


def make_recipe(table: Table) -> Any:
    numbers, categories = table.of_type(text=False), table.of_type(text=True)
    rows = table.inputs.height
    found: dict[str, Any] = {"Any": Any}
    exec(write_model(table.task, rows=rows, numbers=numbers, categories=categories, text=table.text), found)
    return found["model"]()


def make_default(table: Table) -> Any:
    threads = 1 if table.inputs.height < MEDIUM_ROWS else 2  # as the recipe
    quiet = {"verbose": -1, "n_jobs": threads, "random_state": 1}
    estimator = LGBMRegressor(**quiet) if table.task == "regression" else LGBMClassifier(**quiet)
    if not table.text:
        return estimator
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    words = [(TfidfVectorizer(), name) for name in table.text]
    encoded = make_column_transformer(*words, (codes, table.of_type(text=True)), remainder="passthrough")
    return make_pipeline(encoded, estimator)


def compare(table: Table) -> dict[str, Any]:
    folds = list(_split(table))
    makers: list[Callable[[Table], Any]] = [make_recipe, make_default]
    trials = [Trial(), Trial()]
    for number, (learn, ask) in enumerate(folds):
        given, options, asked = _encode(table, learn, ask)
        for turn in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            estimator = makers[turn](table).fit(given, table.truth[learn], **options)
            answers = estimator.predict(asked) if table.task == "regression" else estimator.predict_proba(asked)
            trials[turn].seconds += time.perf_counter() - began
            _add(trials[turn], table, answers, table.truth[ask])
    rounds = 1 if table.ordered else 5 if table.inputs.height < SMALL else 1
    figures: dict[str, Any] = {"task": table.task, "rows": table.inputs.height, "unseen": table.unseen}
    for name, trial in zip(("recipe", "default"), trials, strict=True):
        figures[name] = {"loss": trial.loss(table.task), "seconds": trial.seconds / len(folds)}
        if table.task != "regression":
            figures[name]["ece"], figures[name]["chance"] = trial.calibration(len(folds) // rounds)
    figures["ratio"] = figures["recipe"]["loss"] / figures["default"]["loss"]
    return figures


def _split(table: Table) -> Iterator[tuple[Array, Array]]:
    rows = np.arange(table.inputs.height)
    if table.ordered:
        cut = len(rows) * 3 // 4
        yield rows[:cut], rows[cut:]
        return
    how = RepeatedKFold if table.task == "regression" else RepeatedStratifiedKFold
    splitter = how(n_splits=3 if len(rows) >= LARGE else 5, n_repeats=5 if len(rows) < SMALL else 1, random_state=0)
    yield from splitter.split(rows, table.truth)


def _encode(table: Table, learn: Array, ask: Array) -> tuple[Any, dict[str, Any], Any]:
    """What an estimator is given as training does it, the options of `fit`, and what it is asked."""
    given, asked = table.inputs[learn], table.inputs[ask]
    if table.text:
        return to_pandas(given), {}, to_pandas(asked)
    encoder = Encoder(given.columns, learn_categories(given))
    places = [given.columns.index(name) for name in table.of_type(text=True)]
    return encoder.encode(given), {"categorical_feature": places or "auto"}, encoder.encode(asked)


def _add(trial: Trial, table: Table, answers: Array, truth: Array) -> None:
    if table.task == "regression":
        trial.losses.append((answers - truth) ** 2)
        return
    trial.losses.append(-np.log(np.clip(answers[np.arange(len(truth)), truth], 1e-15, 1)))
    binary = table.task == "binary"
    trial.confidence.append(answers[:, 1] if binary else answers.max(axis=1))
    trial.came_true.append(truth == 1 if binary else answers.argmax(axis=1) == truth)


def _ece(said: Array, true: Array) -> float:
    order = np.argsort(said, kind="stable")
    gaps = [abs(said[bin_].mean() - true[bin_].mean()) * len(bin_) for bin_ in np.array_split(order, BINS)]
    return float(sum(gaps) / len(said))


def time_large() -> dict[str, float]:
    """Seconds to fit the recipe on a made-up table of 15 numbers and 5 categories, on two cores."""
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(LARGE_ROWS, 20))
    matrix[:, 15:] = draw.zipf(1.5, size=(LARGE_ROWS, 5)).clip(max=1_000) - 1
    logit = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + (matrix[:, 15] % 3) - 1
    truth = (draw.random(LARGE_ROWS) < 1 / (1 + np.exp(-logit))).astype(int)
    columns = {f"x{place}": pl.String if place >= 15 else pl.Float64 for place in range(20)}
    table = Table("binary", pl.DataFrame(schema=columns), truth)
    found: dict[str, Any] = {"Any": Any}
    categories = table.of_type(text=True)
    exec(
        write_model("binary", rows=LARGE_ROWS, numbers=table.of_type(text=False), categories=categories, text=[]), found
    )
    began = time.perf_counter()
    found["model"]().fit(matrix, truth, categorical_feature=list(range(15, 20)))
    return {"rows": LARGE_ROWS, "seconds": time.perf_counter() - began}


def _show(name: str, figures: dict[str, Any]) -> None:
    recipe, default = figures["recipe"], figures["default"]
    ece = "     –      –      –"
    if "ece" in recipe:
        ece = f"{recipe['ece']:6.3f} {default['ece']:6.3f} {recipe['chance']:6.3f}"
    print(f"{name + ('*' if figures['unseen'] else ''):18} {figures['task']:10} {figures['rows']:8,}"
          f" {recipe['loss']:10.4g} {default['loss']:10.4g} {figures['ratio']:6.3f}   {ece}"
          f"  {recipe['seconds']:7.2f} {default['seconds']:7.2f}", flush=True)  # fmt: skip


def main() -> None:
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    words = sys.argv[1:]
    print(f"{'table (* unseen)':18} {'task':10} {'rows':>8} {'recipe':>10} {'defaults':>10} {'ratio':>6}"
          f"   {'ECE':>6} {'theirs':>6} {'chance':>6}  {'s/fit':>7} {'theirs':>7}")  # fmt: skip
    found = {}
    for name, read in list_tables().items():
        if not words or any(word in name for word in words):
            found[name] = compare(read())
            _show(name, found[name])
    worst = max(found, key=lambda name: found[name]["ratio"])
    print(f"worst ratio: {found[worst]['ratio']:.3f}, {worst} (at most 1.01 wanted)")
    said = {name: figures["recipe"] for name, figures in found.items() if "ece" in figures["recipe"]}
    worse = [name for name, recipe in said.items() if recipe["ece"] > found[name]["default"]["ece"] + recipe["chance"]]
    print(f"calibrated worse than the defaults, beyond chance: {', '.join(worse) or 'none'} (none wanted)")
    if words:
        return
    large = time_large()
    print(f"{large['rows']:,} rows × 20 inputs: {large['seconds']:.0f} s to fit; "
          f"10 million: some {large['seconds'] * 10_000_000 / large['rows'] / 60:.0f} minutes")  # fmt: skip
    write_report("recipe", {"tables": found, "large": large})


if __name__ == "__main__":
    main()
