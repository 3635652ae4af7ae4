"""Yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from mlops_lab.tasks.base import CLIP, Part, mean_of


@dataclass(frozen=True)
class Binary:
    """Yes or no: the answer is the probability of yes, its loss the log loss in nats.

    `-(y ln p + (1 - y) ln(1 - p))`, p clipped to [1e-15, 1 - 1e-15] (Good 1952).
    """

    kind: ClassVar[str] = "binary"
    loss_name: ClassVar[str] = "log loss"
    output_dtype: ClassVar[pl.DataType] = pl.Float64()

    def encode(self, label: pl.Series) -> pl.Series:
        """1 where the label is true, else 0."""
        return label.cast(pl.Float64)

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """The log loss of each answer."""
        p = output.clip(CLIP, 1 - CLIP)
        return -(truth * p.log() + (1 - truth) * (1 - p).log())

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """The only part: the probability of yes."""
        return [Part("", truth, output)]

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The rate of yes."""
        return pl.Series([mean_of(truth)] * rows, dtype=pl.Float64)

    def invalid(self, output: pl.Series) -> pl.Series:
        """Whether each value lies outside [0, 1]."""
        return (~output.is_between(0, 1) | output.is_nan()).fill_null(value=True)

    def explain_gap(self, part: str, gap: float) -> str:
        """How many more or fewer of the outcomes were true."""
        del part
        return f"{abs(gap):.3f} {'more' if gap > 0 else 'fewer'} of the requests ended true than was predicted"
