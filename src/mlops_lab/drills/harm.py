"""Harmed predictions: those that were answered otherwise than a healthy system answers, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlops_lab.drills.play import Played
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.versions import load_predictor
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.regression import Regression

HARM = 0.05
"""Answers that lie further apart are different: in probability, or in standard deviations of a number."""


def healthy_answers(twin: Played, played: Played) -> pl.DataFrame:
    """What a healthy copy answers to the requests of the twin (id, at, output).

    Where another version answered that the twin has, too, it is what this version says of the twin's inputs: a version
    that is promoted on another day is no harm. A version that the twin has not made counts by its answers.
    """
    common = _fingerprints(twin.all_decisions) & _fingerprints(played.all_decisions)
    names = ["id", "at", "version", "output"]
    rows = twin.answers.join(played.answers.select("id", pl.col("version").alias("by")), on="id", how="left")
    is_other = (pl.col("by") != pl.col("version")) & pl.col("by").is_in([version for version, _ in common])
    same = rows.filter(~is_other.fill_null(value=False)).select(names)
    parts = [same]
    for (version,), group in rows.filter(is_other).partition_by("by", as_dict=True).items():
        predictor = load_predictor(played.project, played.all_decisions, int(version))
        output = predictor.score(group.select(predictor.features.inputs)).alias("output")
        parts.append(group.select(names).with_columns(output))
    return pl.concat(parts).drop("version").sort("at", "id")


def _fingerprints(decisions: Sequence[Decision]) -> set[tuple[int, str]]:
    """The versions with the fingerprints of their packages."""
    return {
        (decision.version, decision.evidence["fingerprint"])
        for decision in decisions
        if decision.version is not None and "fingerprint" in decision.evidence
    }


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
