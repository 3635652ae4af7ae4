"""Detector: how answers were distributed, long before their outcomes are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.monitoring.profile import finite_values

_QUANTILES = {"p10": 0.1, "p90": 0.9}


def describe_answers(seen: Seen) -> Iterator[tuple[str, float | None]]:
    """Mean and the 10th and 90th percentile of the answers; of several classes the mean share of each, by its place in
    the answer ("mean 0", "mean 1", ...). Answers that are no finite number do not count."""
    if "output" not in seen.answered.columns:
        return
    output = seen.answered["output"].drop_nulls()
    if isinstance(output.dtype, pl.List):
        for place in range(max(output.list.len().to_list(), default=0)):
            yield f"mean {place}", _finite_mean(output.list.get(place, null_on_oob=True))
        return
    yield "mean", _finite_mean(output)
    values = pl.Series(_finite(output))
    for name, share in _QUANTILES.items():
        yield name, values.quantile(share)


def _finite_mean(column: pl.Series) -> float | None:
    values = _finite(column)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.mean(values)) if len(values) else None
    return mean if mean is not None and np.isfinite(mean) else None


def _finite(column: pl.Series) -> npt.NDArray[np.float64]:
    return finite_values(column.cast(pl.Float64, strict=False))


PREDICTIONS = AnswerDetector("prediction", describe_answers)
