"""A task: what is predicted, and what the loss of an answer is. All differences between the tasks are in their modules.

Light: the server and every tick import it. Truth is a column of numbers: 0 or 1, the index of the class, or the number
itself. An output is a probability, a list of the probabilities of all classes, or a number.
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
    """One number that is predicted, such as the probability of a class. `name` is the class; empty where there is only
    one part."""

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
        """The name of the loss."""

    @property
    def output_dtype(self) -> pl.DataType:
        """The dtype of a column of answers."""

    def encode(self, label: pl.Series) -> pl.Series:
        """The truth of a column of labels; null where a label does not belong to the task."""

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """The loss of each answer."""

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """Truth and answers as numbers whose means are equal where the answers are right on average."""

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The answer that does not depend on the request: the mean of `truth`, `rows` times."""

    def invalid(self, output: pl.Series) -> pl.Series:
        """Whether each value is not a possible answer at all."""

    def explain_gap(self, part: str, gap: float) -> str:
        """The meaning, in words, of a difference of the means of a part: truth minus answer."""


def say_difference(gain: float, *, per: str = "") -> str:
    """How much better or worse, in words, so that nobody needs to know on which side of zero better lies."""
    return f"{abs(gain):.4f}{per} {'better' if gain >= 0 else 'worse'}"


def to_series(outputs: npt.NDArray[np.float64]) -> pl.Series:
    """Answers of shape (rows,) or (rows, classes) as a column."""
    if outputs.ndim == 1:
        return pl.Series("output", outputs, dtype=pl.Float64)
    return pl.Series("output", outputs.tolist(), dtype=LISTS)


def mean_gaps(parts: list[Part]) -> dict[str, float]:
    """For every part the mean of its truth minus the mean of its answers."""
    return {part.name: mean_of(part.truth) - mean_of(part.output) for part in parts}


def mean_of(values: pl.Series) -> float:
    """The mean; NaN where there are no values."""
    mean = values.mean()
    return float(mean) if isinstance(mean, int | float) else float("nan")
