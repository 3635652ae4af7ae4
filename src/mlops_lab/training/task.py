"""What is predicted, and what an answer costs: all that differs between predicting yes or no, a class, and a number.

Light: the server and every turn of the loop ask it. Truth is a column of numbers: 0 or 1, the place of the class, the
number itself. An answer is a probability, a list of the probabilities of all classes, or a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

CLIP = 1e-15
LISTS = pl.List(pl.Float64)
_SUM_TOLERANCE = 1e-4


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


@dataclass(frozen=True)
class Binary:
    """Yes or no: the answer is the probability of yes, its loss the log loss in nats.

    `-(y ln p + (1 - y) ln(1 - p))`, p clipped to [1e-15, 1 - 1e-15] (Good 1952).
    """

    kind: ClassVar[str] = "binary"
    loss_name: ClassVar[str] = "log loss"
    output_dtype: ClassVar[pl.DataType] = pl.Float64()

    def encode(self, label: pl.Series) -> pl.Series:
        """1 where true."""
        return label.cast(pl.Float64)

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """Log loss of every row."""
        p = output.clip(CLIP, 1 - CLIP)
        return -(truth * p.log() + (1 - truth) * (1 - p).log())

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """The one there is."""
        return [Part("", truth, output)]

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The rate of yes."""
        return pl.Series([mean_of(truth)] * rows, dtype=pl.Float64)

    def invalid(self, output: pl.Series) -> pl.Series:
        """Those outside [0, 1]."""
        return (~output.is_between(0, 1) | output.is_nan()).fill_null(value=True)

    def explain_gap(self, part: str, gap: float) -> str:
        """How many more or fewer ended true."""
        del part
        return f"{abs(gap):.3f} {'more' if gap > 0 else 'fewer'} of the requests ended true than was predicted"


@dataclass(frozen=True)
class Multiclass:
    """One of several classes: the answer lists their probabilities, its loss is that of the class that came true."""

    classes: tuple[str, ...]
    kind: ClassVar[str] = "multiclass"
    loss_name: ClassVar[str] = "log loss"
    output_dtype: ClassVar[pl.DataType] = LISTS

    def encode(self, label: pl.Series) -> pl.Series:
        """The place of the class."""
        places = list(range(len(self.classes)))
        return label.replace_strict(list(self.classes), places, default=None, return_dtype=pl.Float64)

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """`-ln p` of the class that came true."""
        p = (
            pl.select(output.list.get(truth.cast(pl.Int64))).to_series()
            if len(output)
            else pl.Series([], dtype=pl.Float64)
        )
        return -p.clip(CLIP, 1).log()

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """Of every class whether it came true, and its probability."""
        return [
            Part(name, (truth == place).cast(pl.Float64), output.list.get(place))
            for place, name in enumerate(self.classes)
        ]

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The rates of the classes."""
        rates = [mean_of((truth == place).cast(pl.Float64)) for place in range(len(self.classes))]
        return pl.Series([rates] * rows, dtype=LISTS)

    def invalid(self, output: pl.Series) -> pl.Series:
        """Those that are not one probability for each class, which add up to 1."""
        fits = (
            (output.list.len() == len(self.classes))
            & output.list.min().is_between(0, 1)
            & output.list.max().is_between(0, 1)
            & ((output.list.sum() - 1).abs() < _SUM_TOLERANCE)
        )
        return ~fits.fill_null(value=False)

    def explain_gap(self, part: str, gap: float) -> str:
        """How many more or fewer ended as that class."""
        return f'{abs(gap):.3f} {"more" if gap > 0 else "fewer"} of the requests ended as "{part}" than was predicted'


@dataclass(frozen=True)
class Regression:
    """A number: the loss is the squared error in units of `scale`, the standard deviation of what was learned from, so
    that 1 is what the mean gets and limits mean the same for any target."""

    scale: float = 1.0
    kind: ClassVar[str] = "regression"
    loss_name: ClassVar[str] = "squared error"
    output_dtype: ClassVar[pl.DataType] = pl.Float64()

    def encode(self, label: pl.Series) -> pl.Series:
        """The number."""
        return label.cast(pl.Float64)

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """`((y - f) / scale)²`."""
        return ((truth - output) / self.scale) ** 2

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """The number, in units of its scale."""
        return [Part("", truth / self.scale, output / self.scale)]

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The mean."""
        return pl.Series([mean_of(truth)] * rows, dtype=pl.Float64)

    def invalid(self, output: pl.Series) -> pl.Series:
        """Those that are no finite number."""
        return ~output.is_finite().fill_null(value=False)

    def explain_gap(self, part: str, gap: float) -> str:
        """How far above or below the answers the truth lay."""
        del part
        return (
            f"the truth lay {abs(gap):.3f} standard deviations {'above' if gap > 0 else 'below'} the answers on average"
        )


def make_task(kind: str, *, classes: tuple[str, ...] = (), scale: float = 1.0) -> Task:
    """The task of a project or a package: "binary", "multiclass" or "regression"."""
    if kind == "multiclass":
        return Multiclass(classes)
    return Regression(scale) if kind == "regression" else Binary()


def scale_of(kind: str, truth: pl.Series) -> float:
    """The scale of a task that learns from this truth: 1 but for regression, and for a target that never changes."""
    spread = truth.std() if kind == "regression" else None
    return float(spread) if isinstance(spread, float) and spread > 0 else 1.0


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
