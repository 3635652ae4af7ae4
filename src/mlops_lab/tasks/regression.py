"""A number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from mlops_lab.tasks.base import Part, mean_of


@dataclass(frozen=True)
class Regression:
    """A number: the loss is the squared error in units of `scale`, the standard deviation in the training rows.

    So the mean as the answer has loss 1, and limits mean the same for every target.
    """

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
        """Whether each value is not a finite number."""
        return ~output.is_finite().fill_null(value=False)

    def explain_gap(self, part: str, gap: float) -> str:
        """How far above or below the answers the truth was."""
        del part
        return (
            f"the truth lay {abs(gap):.3f} standard deviations {'above' if gap > 0 else 'below'} the answers on average"
        )


def scale_of(kind: str, truth: pl.Series) -> float:
    """The scale of a task with this truth in its training rows: for a regression the standard deviation, else 1; and 1
    for a target that never changes."""
    spread = truth.std() if kind == "regression" else None
    return float(spread) if isinstance(spread, float) and spread > 0 else 1.0
