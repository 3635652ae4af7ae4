"""The loader that MLflow calls for a version in a folder of its own: it answers frames of requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlops_lab.inference.standalone import StandaloneModel

if TYPE_CHECKING:
    import pandas as pd


class RequestModel:
    """A version as MLflow uses it."""

    def __init__(self, folder: Path) -> None:
        self._model = StandaloneModel(folder)

    def predict(self, inputs: pd.DataFrame, params: dict[str, Any] | None = None) -> npt.NDArray[np.float64]:
        """The answers: for each row a probability, a number, or the probabilities of all classes."""
        del params
        objects = inputs.astype(object)
        columns = objects.where(objects.notna(), None).to_dict(orient="list")
        return np.array(self._model.answer({str(name): values for name, values in columns.items()}))


def _load_pyfunc(path: str) -> RequestModel:
    folder = Path(path)
    return RequestModel(folder if folder.is_dir() else folder.parent)
