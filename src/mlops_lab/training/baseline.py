"""The simple baseline: a linear model on the same inputs. It needs no tuning, and takes about half a second.

scikit-learn takes a second or more to import, so only the functions that use it do.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.registry.frames import to_pandas
from mlops_lab.tasks.base import to_series
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.training.training_set import TrainingSet

ROWS, CELLS = 50_000, 5_000_000
"""It is trained on at most so many rows, drawn at random, and on fewer where they are wide."""
MAX_CATEGORIES, MIN_FREQUENCY = 20, 10
"""The most values of a text that get a code of their own, and how often a value must occur for that."""
_SEED = 0
_NEWTON_WIDTH = 300
_LARGEST = 1e18  # its square is finite even in float32


@dataclass(frozen=True)
class Baseline:
    """The answers of the baseline model to the held-out rows. `name` has its article: "a ridge regression"."""

    name: str
    output: pl.Series


def fit_baseline(data: TrainingSet) -> Baseline:
    """Logistic regression, or ridge for a number, on scaled numbers (missing: the mean) and one-hot codes of texts.

    Deterministic: the same training set gives the same answers, so that a run need not keep them in case it is killed.
    Where the drawn rows are all of one class, every answer is the rates of the classes in all rows.
    """
    name = "a ridge regression" if data.task.kind == "regression" else "a logistic regression"
    rows = _draw(data.inputs.height, data.inputs.width)
    truth = data.truth.gather(rows)
    holdout = data.holdout_inputs
    if truth.n_unique() < 2 or holdout.is_empty():
        return Baseline("the base rate", data.task.constant(data.truth, holdout.height))
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    estimator = _estimator(data, classes=truth.n_unique())
    weights = {} if data.weights is None else {f"{estimator.steps[-1][0]}__sample_weight": data.weights.gather(rows)}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a baseline that has not converged is good enough
        learned, holdout = _number_texts(_finite(data.inputs[rows]), _finite(holdout))
        estimator.fit(to_pandas(learned), truth.to_numpy(), **weights)
        frame = to_pandas(holdout)
        if data.task.kind == "regression":
            return Baseline(name, to_series(np.asarray(estimator.predict(frame), dtype=np.float64)))
        known = np.asarray(estimator.predict_proba(frame), dtype=np.float64)
    if not isinstance(data.task, Multiclass):
        return Baseline(name, to_series(known[:, 1]))
    answers = np.zeros((holdout.height, len(data.task.classes)))
    answers[:, [int(index) for index in estimator.classes_]] = known
    return Baseline(name, to_series(answers))


def _draw(height: int, width: int) -> pl.Series:
    """The indices of the rows that it is trained on, in order."""
    most = max(min(ROWS, CELLS // max(width, 1)), 1000)
    drawn = np.random.default_rng(_SEED).choice(height, min(most, height), replace=False)
    return pl.Series(np.sort(drawn), dtype=pl.UInt32)


def _estimator(data: TrainingSet, *, classes: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    texts = [name for name, dtype in data.inputs.schema.items() if dtype == pl.String]
    numbers = [name for name in data.inputs.columns if name not in texts]
    scaled = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    coded = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=MIN_FREQUENCY, max_categories=MAX_CATEGORIES
    )
    columns = make_column_transformer((scaled, numbers), (coded, texts), sparse_threshold=0)
    if data.task.kind == "regression":
        return make_pipeline(columns, Ridge())
    width = (len(numbers) + MAX_CATEGORIES * len(texts)) * (classes if classes > 2 else 1)
    solver = "newton-cholesky" if width <= _NEWTON_WIDTH else "lbfgs"  # its matrix has width² numbers
    return make_pipeline(columns, LogisticRegression(solver=solver, max_iter=100))


def _number_texts(learned: pl.DataFrame, others: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with the number of each text among those of the first, in order, instead of it; -1 where it has none.

    The answers are the same: scikit-learn counts texts cell by cell in Python, and numbers all at once.
    """
    for name in [name for name, dtype in learned.schema.items() if dtype == pl.String]:
        text = pl.col(name).fill_null("")
        known = learned.select(text.unique().sort()).to_series()
        number = text.replace_strict(known, range(len(known)), default=-1, return_dtype=pl.Int32)
        learned, others = learned.with_columns(number), others.with_columns(number)
    return learned, others


def _finite(inputs: pl.DataFrame) -> pl.DataFrame:
    """Only numbers with a finite mean and square; the others become missing."""
    numbers = pl.selectors.float()
    return inputs.with_columns(pl.when(numbers.is_finite()).then(numbers.clip(-_LARGEST, _LARGEST)))
