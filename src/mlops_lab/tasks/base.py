"""What is predicted, and what an answer costs: all that differs between predicting yes or no, a class, and a number.

Light: the server and every tick ask it. Truth is a column of numbers: 0 or 1, the index of the class, or the
number itself.
An output is a probability, a list of the probabilities of all classes, or a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

CLIP = 1e-15
LISTS = pl.List(pl.Float64)


@dataclass(frozen=True)
class Part:
    """One number that is predicted: of a class, its share. `name` is the class, or empty where there is but one."""

    name: str
    truth: pl.Series
    output: pl.Series


class Task(Protocol):
    """A kind of prediction. Columns that are compared have one length, and no nulls."""

    @property
    def kind(self) -> str:
        """ "binary", "multiclass" or "regression"."""

    @property
    def loss_name(self) -> str:
        """What the loss is called."""

    @property
    def output_dtype(self) -> pl.DataType:
        """The dtype of a column of answers."""

    def encode(self, label: pl.Series) -> pl.Series:
        """The truth that a column of labels holds; null where a label is none of the task's."""

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """What each answer cost."""

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """Truth and answers as numbers whose means are the same where the answers are right on average."""

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The answer that knows nothing of a request: the mean of `truth`, `rows` times."""

    def invalid(self, output: pl.Series) -> pl.Series:
        """Which answers are none at all."""

    def explain_gap(self, part: str, gap: float) -> str:
        """What a difference of the means of a part, truth less answer, says in words."""


def to_series(outputs: npt.NDArray[np.float64]) -> pl.Series:
    """Answers of shape (rows,) or (rows, classes) as the column they are kept in."""
    if outputs.ndim == 1:
        return pl.Series("output", outputs, dtype=pl.Float64)
    return pl.Series("output", outputs.tolist(), dtype=LISTS)


def mean_gaps(parts: list[Part]) -> dict[str, float]:
    """Of every part the mean of its truth less that of its answers."""
    return {part.name: mean_of(part.truth) - mean_of(part.output) for part in parts}


def mean_of(values: pl.Series) -> float:
    """The mean; NaN where there are no values."""
    mean = values.mean()
    return float(mean) if isinstance(mean, int | float) else float("nan")
