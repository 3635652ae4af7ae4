"""The loader that MLflow calls: `mlflow.pyfunc.load_model` works on every package of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.registry.encoding import Encoder
from mlops_lab.registry.engine import Booster
from mlops_lab.registry.package import MODEL_FILE, load_plan

if TYPE_CHECKING:
    import pandas as pd


class PackagedModel:
    """Answers frames of model inputs, as MLflow hands them over."""

    def __init__(self, path: Path) -> None:
        plan = load_plan(path)
        self._encoder = Encoder(plan.features["inputs"], plan.categories)
        self._booster = Booster(path / MODEL_FILE)

    def predict(self, inputs: pd.DataFrame, params: dict[str, Any] | None = None) -> npt.NDArray[np.float64]:
        """The probability of the positive class, one a row."""
        del params
        return self._booster.predict(self._encoder.encode(pl.from_pandas(inputs[self._encoder.inputs])))


def _load_pyfunc(path: str) -> PackagedModel:
    folder = Path(path)
    return PackagedModel(folder if folder.is_dir() else folder.parent)
