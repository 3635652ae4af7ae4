"""Models of LightGBM of every kind, and rows that show where an engine errs."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np

from mlops_lab.registry.engines.lightgbm_text import split_thresholds

ROWS, WIDTH = 3000, 5
RNG = np.random.default_rng(1)
NUMBERS = np.column_stack([RNG.normal(size=(ROWS, 3)), RNG.integers(0, 70, ROWS), RNG.integers(-2, 3, ROWS)]).astype(
    float
)
SCORE = NUMBERS[:, 0] + np.sin(NUMBERS[:, 1] * 3) + (NUMBERS[:, 3] % 7 == 3) + 0.3 * NUMBERS[:, 4]
HOLED = np.where(RNG.random((ROWS, WIDTH)) < 0.1, np.nan, NUMBERS)
TARGETS = {
    "yes or no": (SCORE + RNG.logistic(size=ROWS) > 0.5).astype(float),
    "class": np.digitize(SCORE, [-0.5, 1.0]).astype(float),
    "number": 300 + 50 * SCORE,
    "share": 1 / (1 + np.exp(-SCORE)),
}
PLAIN: dict[str, Any] = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 1}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "binary": ("yes or no", {"objective": "binary"}),
    "binary, steep": ("yes or no", {"objective": "binary", "sigmoid": 2.5}),
    "multiclass": ("class", {"objective": "multiclass", "num_class": 3}),
    "one against all": ("class", {"objective": "multiclassova", "num_class": 3}),
    "regression": ("number", {"objective": "regression"}),
    "regression on roots": ("number", {"objective": "regression", "reg_sqrt": True}),
    "absolute error": ("number", {"objective": "regression_l1"}),
    "quantile": ("number", {"objective": "quantile", "alpha": 0.9}),
    "huber": ("number", {"objective": "huber"}),
    "mape": ("number", {"objective": "mape"}),
    "poisson": ("number", {"objective": "poisson"}),
    "gamma": ("number", {"objective": "gamma"}),
    "tweedie": ("number", {"objective": "tweedie"}),
    "cross entropy": ("share", {"objective": "cross_entropy"}),
    "random forest": (
        "yes or no",
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    ),
    "a forest of classes": (
        "class",
        {"objective": "multiclass", "num_class": 3, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    ),
    "dart": ("number", {"objective": "regression", "boosting": "dart"}),
    "missing is nothing": ("yes or no", {"objective": "binary", "use_missing": False}),
    "small sets": (
        "yes or no",
        {"objective": "binary", "max_cat_to_onehot": 1, "min_data_per_group": 1, "cat_smooth": 0.1},
    ),
    "large trees": ("yes or no", {"objective": "binary", "num_leaves": 200, "min_data_in_leaf": 1}),
    "large trees of classes": ("class", {"objective": "multiclass", "num_class": 3, "num_leaves": 40}),
    "no split at all": ("yes or no", {"objective": "binary", "min_data_in_leaf": ROWS}),
}


def train(target: str, parameters: dict[str, Any], data: Any = HOLED) -> str:
    dataset = lightgbm.Dataset(data, TARGETS[target], categorical_feature=[3], params={"verbose": -1})
    return str(lightgbm.train({**PLAIN, **parameters}, dataset, num_boost_round=12).model_to_string())


def probe_rows(text: str) -> np.ndarray[Any, Any]:
    """Rows of all kinds: those learned from, holed or not, at and beside every threshold, and with unknown categories."""
    rows = [HOLED, NUMBERS, np.full((1, WIDTH), np.nan), np.zeros((1, WIDTH)), np.full((1, WIDTH), 1e-36)]
    unknown = NUMBERS[:50].copy()
    unknown[:, 3] = np.arange(50) + 60
    rows.append(unknown)
    for place, numbers in split_thresholds(text).items():
        at = np.array(numbers)
        for values in (at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf), at.astype(np.float32).astype(float)):
            beside = NUMBERS[: len(values)].copy()
            beside[:, place] = values
            rows.append(beside)
    return np.concatenate(rows)
