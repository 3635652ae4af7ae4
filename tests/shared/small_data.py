"""A small training set of every task, with numbers, nulls, whole numbers, booleans and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.registry.package import Plan
from mlops_lab.tasks.make import make_task
from mlops_lab.training.fit import Fitted, fit
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet

TASKS = ("binary", "multiclass", "regression")
CLASSES = ("high", "low", "mid")


def make_inputs(rows: int, *, with_text: bool = True, with_nulls: bool = True) -> pl.DataFrame:
    """Numbers with nulls, whole numbers, booleans, and text with nulls."""
    rng = np.random.default_rng(3)
    holes = rng.random(rows) < (0.1 if with_nulls else 0.0)
    inputs = pl.DataFrame(
        {
            "price": rng.gamma(2, 20, rows),
            "size": [None if hole else value for hole, value in zip(holes, rng.normal(80, 20, rows), strict=True)],
            "rooms": rng.integers(1, 9, rows),
            "new": rng.random(rows) < 0.3,
            "place": [
                None if hole else value for hole, value in zip(holes, rng.choice(["a", "b", "ü"], rows), strict=True)
            ],
        }
    )
    return inputs if with_text else inputs.drop("place")


def make_training_set(task: str, rows: int = 400, *, with_text: bool = True, with_nulls: bool = True) -> TrainingSet:
    """A training set whose truth depends on the price and the rooms."""
    inputs = make_inputs(rows, with_text=with_text, with_nulls=with_nulls)
    noise = np.random.default_rng(4).logistic(0, 0.5, rows)
    score = 0.03 * inputs["price"].to_numpy() + 0.2 * inputs["rooms"].to_numpy() + noise
    truths = {"binary": score > 2, "multiclass": np.digitize(score, [1.5, 2.8]), "regression": score}
    truth = pl.Series(truths[task].astype(float))
    return TrainingSet(
        task=make_task(task, classes=CLASSES if task == "multiclass" else (), scale=float(score.std())),
        inputs=inputs, truth=truth, weights=None, moments=pl.Series(range(rows)), holdout=pl.DataFrame(),
        holdout_inputs=inputs.head(50), holdout_truth=truth.head(50), cutoff=None, until=None, snapshots=(),
        fingerprint="",
    )  # type: ignore[arg-type]  # fmt: skip


def fit_small(estimator: Any, data: TrainingSet) -> Fitted:
    """The estimator, fitted as a project's would be."""
    return fit(Pipeline(Features(data.inputs.columns), lambda: estimator, ""), data)


def make_small_plan(fitted: Fitted, inputs: pl.DataFrame) -> Plan:
    """A plan whose request fields are the model's inputs."""
    kinds = {pl.String: "string?", pl.Boolean: "boolean?", pl.Int64: "integer?"}
    return Plan(
        task=fitted.task, classes=list(fitted.classes), outputs=fitted.outputs, time="at", tables={},
        request={name: kinds.get(type(dtype), "float?") for name, dtype in inputs.schema.items()},
        features=Features(inputs.columns).as_dict(), categories=fitted.categories,
        texts=[name for name, dtype in inputs.schema.items() if dtype == pl.String],
    )  # fmt: skip
