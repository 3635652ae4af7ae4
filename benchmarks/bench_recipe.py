"""The model that `mlops init` writes, beside LightGBM's defaults and a linear model, on public tables: same rows.

Usage: python benchmarks/bench_recipe.py [WORD …]                  only tables with one of the words in their name
       python benchmarks/bench_recipe.py --packages FOLDER         where the packages of `make peers` are installed
       python benchmarks/bench_recipe.py --rows 5000 --times 2     a shorter look
       python benchmarks/bench_recipe.py --below 2000              only tables with fewer rows

`init` is what `mlops init` does: it compares recipes on the rows to learn from, and trains the chosen one on all of
them. `LightGBM` is LGBMClassifier() or LGBMRegressor() (100 trees of 31 leaves at a rate of 0.1), with the categories
declared as such; where there is free text, after the same TfidfVectorizer. `linear` is logistic or ridge regression on
scaled numbers and one-hot categories. All answer the same rows: a random quarter, or the last one where rows stand in
the order of time; tables below 2,500 rows are split `--times` (3) times. At most `--rows` (20,000) rows are drawn.

Loss is log loss for classes, and the root mean squared error for numbers. The calibration error (ECE) is that of ten
bins with equally many rows: of the probability of yes, or of the likeliest class. `chance` is what a perfectly
calibrated model would show on as many rows. `s` is the processor time of the choice. The tables are summed up in two
halves, a and b, to make a later change of the rule on one and judge it on the other; so far both have been looked at.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.starter.choose_recipe import ChosenRecipe, as_training_set, choose_recipe, fit_text, sample_size
from mlops_lab.starter.model_text import ModelInputs, write_model
from mlops_lab.starter.recipe import LINE, Recipe, list_trees
from mlops_lab.tasks.base import Task, to_series
from mlops_lab.tasks.make import make_task
from mlops_lab.training.training_set import TrainingSet
from peer_tables import list_peer_tables
from public_tables import Table, list_tables
from report import write_report

BINS, SIMULATIONS = 10, 10
PEERS = Path(__file__).resolve().parent.parent / ".peers" / "tables"
FEW_ROWS = 2_500
WANTED = 1.01
MODELS = ("init", "LightGBM", "linear")
Array = np.ndarray[Any, Any]


@dataclass
class Trial:
    """What one model cost on a table: the loss of every row predicted, and what it said beside what came true."""

    losses: list[Array] = field(default_factory=list)
    confidence: list[Array] = field(default_factory=list)
    came_true: list[Array] = field(default_factory=list)

    def loss(self, task: str) -> float:
        mean = float(np.concatenate(self.losses).mean())
        return math.sqrt(mean) if task == "regression" else mean

    def calibration(self) -> tuple[float, float]:
        """The mean error of each time that rows were predicted, and what chance gives."""
        draw = np.random.default_rng(0)
        errors = [_ece(said, true) for said, true in zip(self.confidence, self.came_true, strict=True)]
        chances = [_ece(said, draw.random(len(said)) < said) for said in self.confidence for _ in range(SIMULATIONS)]
        return float(np.mean(errors)), float(np.mean(chances))


def compare(table: Table, *, most_rows: int, times: int) -> dict[str, Any]:
    """The figures of all models on a table."""
    kinds = ModelInputs(table.of_type(text=False), table.of_type(text=True), list(table.text))
    classes = [str(number) for number in range(int(table.truth.max()) + 1)] if table.task == "multiclass" else []
    task = make_task(table.task, classes=tuple(classes), scale=1.0)
    trials = {name: Trial() for name in MODELS}
    chosen: list[str] = []
    seconds = []
    for rows in _split(table, task, most_rows=most_rows, times=times):
        began = time.process_time()
        choice = _choose(rows, kinds, len(classes), in_order=table.ordered)
        seconds.append(time.process_time() - began)
        chosen.append(choice.recipe.name)
        for name, recipe in zip(MODELS, (choice.recipe, list_trees("", 0)[-1], LINE), strict=True):
            _add(trials[name], table.task, rows, _predict(recipe, rows, kinds))
    figures: dict[str, Any] = {"task": table.task, "rows": table.inputs.height, "chosen": chosen}
    for name, trial in trials.items():
        figures[name] = {"loss": trial.loss(table.task)}
        if table.task != "regression":
            figures[name]["ece"], figures[name]["chance"] = trial.calibration()
    figures["ratio"] = figures["init"]["loss"] / min(figures["LightGBM"]["loss"], figures["linear"]["loss"])
    figures["seconds"] = float(np.mean(seconds))
    return figures


def _split(table: Table, task: Task, *, most_rows: int, times: int) -> Iterator[TrainingSet]:
    inputs = table.inputs.with_columns(pl.selectors.boolean().cast(pl.Int64))
    truth = pl.Series(table.truth.astype(np.float64))
    height = min(inputs.height, most_rows)
    for number in range(1 if table.ordered or inputs.height >= FEW_ROWS else times):
        shuffled = np.random.default_rng(number).permutation(inputs.height)[:height]
        rows = np.arange(inputs.height - height, inputs.height) if table.ordered else shuffled
        learn, ask = rows[: height * 3 // 4], rows[height * 3 // 4 :]
        yield as_training_set(task, inputs[learn], truth[learn], asked=(inputs[ask], truth[ask]))


def _choose(rows: TrainingSet, kinds: ModelInputs, classes: int, *, in_order: bool) -> ChosenRecipe:
    height = rows.inputs.height
    size = min(sample_size(rows.inputs.width, classes), height)
    sample = slice(height - size, height)
    moments = pl.Series(range(size)) if in_order else None
    return choose_recipe(rows.task, rows.inputs[sample], rows.truth[sample], rows=height, kinds=kinds, moments=moments)


def _predict(recipe: Recipe, rows: TrainingSet, kinds: ModelInputs) -> Array:
    text = write_model(
        rows.task.kind,
        rows=rows.inputs.height,
        numbers=kinds.numbers,
        categories=kinds.categories,
        text=kinds.text,
        recipe=recipe,
    )
    fitted = fit_text(text, rows)
    return OutputMapping(fitted).of_rows(fitted.predict(rows.holdout_inputs))


def _add(trial: Trial, task: str, rows: TrainingSet, answers: Array) -> None:
    truth = rows.holdout_truth.to_numpy()
    trial.losses.append(rows.task.losses(rows.holdout_truth, to_series(answers)).to_numpy())
    if task != "regression":
        binary = task == "binary"
        trial.confidence.append(answers if binary else answers.max(axis=1))
        trial.came_true.append(truth == 1 if binary else answers.argmax(axis=1) == truth)


def _ece(said: Array, true: Array) -> float:
    order = np.argsort(said, kind="stable")
    gaps = [abs(said[bin_].mean() - true[bin_].mean()) * len(bin_) for bin_ in np.array_split(order, BINS)]
    return float(sum(gaps) / len(said))


def _show(name: str, half: str, figures: dict[str, Any]) -> None:
    ece = " " * 20
    if "ece" in figures["init"]:
        ece = f"{figures['init']['ece']:6.3f} {figures['LightGBM']['ece']:6.3f} {figures['init']['chance']:6.3f}"
    losses = " ".join(f"{figures[model]['loss']:10.4g}" for model in MODELS)
    print(f"{name:20} {half} {figures['task']:10} {figures['rows']:8,} {losses} {figures['ratio']:6.3f}  {ece}"
          f" {figures['seconds']:6.1f}  {max(figures['chosen'], key=figures['chosen'].count)}", flush=True)  # fmt: skip


def _sum_up(found: dict[str, dict[str, Any]], title: str) -> dict[str, float]:
    """Print and return the geometric means of the ratios, and how many tables keep what is wanted."""
    if not found:
        return {}
    summary = {
        f"to {name}": math.exp(
            _mean([math.log(figures["init"]["loss"] / figures[name]["loss"]) for figures in found.values()])
        )
        for name in MODELS[1:]
    }
    worse = {name: figures["ratio"] for name, figures in found.items() if figures["ratio"] > WANTED}
    classes = [figures for figures in found.values() if "ece" in figures["init"]]
    print(f"{title}: {len(found)} tables; loss {', '.join(f'{ratio:.3f} {name}' for name, ratio in summary.items())}; "
          f"worse than the better of both by more than 1 %: {len(worse)}", end="")  # fmt: skip
    print(f" ({', '.join(f'{name} {ratio:.3f}' for name, ratio in worse.items())})" if worse else "")
    for name in (*MODELS, "chance") if classes else ():
        where = [figures["init"]["chance"] if name == "chance" else figures[name]["ece"] for figures in classes]
        summary[f"ece {name}"] = _mean(where)
    if classes:
        print(
            "  mean calibration error: "
            + ", ".join(f"{summary[f'ece {name}']:.3f} {name}" for name in (*MODELS, "chance"))
        )
    return summary | {"worse": float(len(worse))}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--packages", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--below", type=int, help="only tables with fewer rows")
    asked = parser.parse_args()
    packages = asked.packages or next(iter(PEERS.glob("lib/python3*/site-packages")), None)
    if packages is None:
        parser.error("the tables are not installed: run `make peers`, or name the folder by --packages")
    tables: dict[str, Callable[[], Table]] = {**list_tables(), **list_peer_tables(packages)}
    warnings.simplefilter("ignore")
    print(f"{'table':20}   {'task':10} {'rows':>8} {'init':>10} {'LightGBM':>10} {'linear':>10} {'ratio':>6}"
          f"  {'ECE':>6} {'theirs':>6} {'chance':>6} {'s':>6}  chosen")  # fmt: skip
    halves: dict[str, dict[str, dict[str, Any]]] = {"a": {}, "b": {}}
    with threadpool_limits(2):
        for number, (name, read) in enumerate(sorted(tables.items())):
            if asked.words and not any(word in name for word in asked.words):
                continue
            table = read()
            if asked.below is None or table.inputs.height < asked.below:
                half = "ab"[number % 2]
                halves[half][name] = compare(table, most_rows=asked.rows, times=asked.times)
                _show(name, half, halves[half][name])
    found = halves["a"] | halves["b"]
    summaries = {
        "a": _sum_up(halves["a"], "half a"),
        "b": _sum_up(halves["b"], "half b"),
        "all": _sum_up(found, "all"),
    }
    if not asked.words and asked.below is None:
        write_report("recipe", {"tables": found, "summaries": summaries})


if __name__ == "__main__":
    main()
