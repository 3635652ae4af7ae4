"""The loader that MLflow calls: with it `mlflow.pyfunc.load_model` works on every package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import open_package

if TYPE_CHECKING:
    import pandas as pd


class PackagedModel:
    """A package as MLflow uses it: answers frames of model inputs."""

    def __init__(self, path: Path) -> None:
        package = open_package(path)
        self._inputs = list(package.plan.features["inputs"])
        self._engine = open_engine(package)
        self._mapping = OutputMapping(package.plan)

    def predict(self, inputs: pd.DataFrame, params: dict[str, Any] | None = None) -> npt.NDArray[np.float64]:
        """The answers: for each row a probability, a number, or the probabilities of all classes."""
        del params
        return self._mapping.of_rows(self._engine.score(pl.from_pandas(inputs[self._inputs])))


def _load_pyfunc(path: str) -> PackagedModel:
    folder = Path(path)
    return PackagedModel(folder if folder.is_dir() else folder.parent)
