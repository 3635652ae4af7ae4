"""Harmed predictions: those that were answered otherwise than a healthy system answers, or not at all."""

from __future__ import annotations

import polars as pl

from mlops_lab.tasks.base import Task
from mlops_lab.tasks.regression import Regression

HARM = 0.05
"""Answers that lie further apart are different: in probability, or in standard deviations of a number."""


def find_harmed(healthy: pl.DataFrame, played: pl.DataFrame, task: Task) -> pl.DataFrame:
    """The harmed ones among the `healthy` answers (id, at, output): id, and when it was asked."""
    both = healthy.join(played.select("id", pl.col("output").alias("other")), on="id", how="left")
    gaps = distances(both["output"], both["other"], task)
    return both.filter(gaps.is_null() | (gaps > HARM)).select("id", "at")


def distances(outputs: pl.Series, others: pl.Series, task: Task) -> pl.Series:
    """How far two outputs lie apart, the furthest of their probabilities; null where one is missing."""
    scale = task.scale if isinstance(task, Regression) else 1.0
    frame = pl.DataFrame({"one": outputs, "two": others})
    if isinstance(frame.schema["one"], pl.List):
        gap = (pl.col("one") - pl.col("two")).list.eval(pl.element().abs()).list.max()
    else:
        gap = (pl.col("one") - pl.col("two")).abs()
    return frame.select(gap / scale)["one"]
