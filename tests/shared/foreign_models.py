"""Models of the small project as somebody else would train them, with pandas, and store them with MLflow."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import lightgbm
import mlflow.lightgbm
import pandas as pd
import polars as pl

from mlops_lab.training.training_set import TrainingSet

TEXT_INPUT = "shop"


def to_frame(inputs: pl.DataFrame) -> pd.DataFrame:
    """The inputs, numbers as floats and text as categories."""
    numbers = inputs.with_columns(pl.col(pl.Boolean).cast(pl.Float64))
    frame = pd.DataFrame({column.name: column.to_list() for column in numbers.iter_columns()})
    return frame.assign(**{TEXT_INPUT: pd.Categorical(frame[TEXT_INPUT], categories=["c", "a", "b"])})


def train_booster(data: TrainingSet, *, labels: Any = None) -> lightgbm.LGBMClassifier:
    """A classifier of LightGBM; `labels` instead of 0 and 1."""
    truth = data.truth.to_numpy().astype(int) if labels is None else labels
    estimator = lightgbm.LGBMClassifier(
        n_estimators=15, num_leaves=6, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1
    )
    return estimator.fit(to_frame(data.inputs), truth)


def save_booster(estimator: Any, folder: Path) -> Path:
    """The folder that MLflow writes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.lightgbm.save_model(estimator, str(folder), pip_requirements=[])
    return folder
