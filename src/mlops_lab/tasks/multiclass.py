"""One of several classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from mlops_lab.tasks.base import CLIP, LISTS, Part, mean_of

_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Multiclass:
    """One of several classes: the answer lists their probabilities; the loss is that of the class that came true."""

    classes: tuple[str, ...]
    kind: ClassVar[str] = "multiclass"
    loss_name: ClassVar[str] = "log loss"
    output_dtype: ClassVar[pl.DataType] = LISTS

    def encode(self, label: pl.Series) -> pl.Series:
        """The index of the class."""
        indices = list(range(len(self.classes)))
        return label.replace_strict(list(self.classes), indices, default=None, return_dtype=pl.Float64)

    def losses(self, truth: pl.Series, output: pl.Series) -> pl.Series:
        """`-ln p`, where p is the probability of the class that came true."""
        p = (
            pl.select(output.list.get(truth.cast(pl.Int64))).to_series()
            if len(output)
            else pl.Series([], dtype=pl.Float64)
        )
        return -p.clip(CLIP, 1).log()

    def parts(self, truth: pl.Series, output: pl.Series) -> list[Part]:
        """For every class whether it came true, and its probability."""
        return [
            Part(name, (truth == index).cast(pl.Float64), output.list.get(index))
            for index, name in enumerate(self.classes)
        ]

    def constant(self, truth: pl.Series, rows: int) -> pl.Series:
        """The rates of the classes."""
        rates = [mean_of((truth == index).cast(pl.Float64)) for index in range(len(self.classes))]
        return pl.Series([rates] * rows, dtype=LISTS)

    def invalid(self, output: pl.Series) -> pl.Series:
        """Whether each value is not one probability for each class that add up to 1."""
        fits = (
            (output.list.len() == len(self.classes))
            & output.list.min().is_between(0, 1)
            & output.list.max().is_between(0, 1)
            & ((output.list.sum() - 1).abs() < _SUM_TOLERANCE)
        )
        return ~fits.fill_null(value=False)

    def explain_gap(self, part: str, gap: float) -> str:
        """How many more or fewer of the outcomes were that class."""
        return f'{abs(gap):.3f} {"more" if gap > 0 else "fewer"} of the requests ended as "{part}" than was predicted'


def order_classes(outputs: pl.Series, *, classes: Sequence[str], wanted: Sequence[str]) -> pl.Series:
    """The answers of a version that knows these classes, in the order of those that are wanted: 0 for a class that it
    does not know; what it gives to classes that are not wanted is left out."""
    if list(classes) == list(wanted):
        return outputs
    parts = [
        outputs.list.get(classes.index(name), null_on_oob=True) if name in classes else pl.lit(0.0) for name in wanted
    ]
    ordered = pl.when(outputs.is_not_null()).then(pl.concat_list(parts))
    return pl.select(ordered.cast(LISTS).alias(outputs.name)).to_series()


def order_by_version(
    rows: pl.DataFrame, output: str, *, version: str, known: Mapping[int, Sequence[str]], wanted: Sequence[str]
) -> pl.DataFrame:
    """The rows, whose column `output` has by now the classes that are wanted, as `order_classes` has them; the column
    `version` says which version answered, and `known` the classes of each."""
    for number, classes in known.items():
        if list(classes) != list(wanted):
            ordered = order_classes(rows[output], classes=classes, wanted=wanted)
            rows = rows.with_columns(pl.when(pl.col(version) == number).then(ordered).otherwise(output).alias(output))
    return rows
