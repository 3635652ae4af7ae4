"""The figures of a candidate beside those of the champion: measures, groups of rows, and what both cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from mlops_lab.ci.validation import Cost, Figures
from mlops_lab.gates.base import GateInput
from mlops_lab.monitoring.quality import quality
from mlops_lab.training.agreement import read_agreement


def compare_measures(judged: GateInput) -> list[Figures]:
    """The measures of the task, on the held-out rows that the champion has not seen; on all where there is none."""
    rows = _compared_rows(judged)
    truth = judged.training.holdout_truth.filter(rows)
    if truth.is_empty():
        return []
    ours = quality(judged.task, truth, judged.candidate_output.filter(rows))
    has_champion = judged.champion_version is not None
    theirs = quality(judged.task, truth, judged.champion_output.filter(rows)) if has_champion else {}
    return [
        Figures(name=name, candidate=value, champion=theirs.get(name), rows=len(truth)) for name, value in ours.items()
    ]


def compare_slices(judged: GateInput) -> list[Figures]:
    """The mean loss of each group of `[gates] slices` that has `slice_min_rows` rows, by its name."""
    settings, rows = judged.project.settings.gates, _compared_rows(judged)
    truth = judged.training.holdout_truth.filter(rows)
    if truth.is_empty():
        return []
    losses = judged.training.holdout.filter(rows).with_columns(
        judged.task.losses(truth, judged.candidate_output.filter(rows)).alias("__candidate")
    )
    if judged.champion_version is None:
        losses = losses.with_columns(pl.lit(None, pl.Float64).alias("__champion"))
    else:
        champion = judged.task.losses(truth, judged.champion_output.filter(rows))
        losses = losses.with_columns(champion.alias("__champion"))
    return [
        group for name in settings.slices for group in _groups(losses, name) if group.rows >= settings.slice_min_rows
    ]


def _groups(losses: pl.DataFrame, column: str) -> Iterator[Figures]:
    means = losses.group_by(column).agg(pl.col("__candidate", "__champion").mean(), pl.len().alias("__rows"))
    for value, candidate, champion, rows in means.sort(column).iter_rows():
        yield Figures(name=f"{column}={value}", candidate=candidate, champion=champion, rows=rows)


def _compared_rows(judged: GateInput) -> pl.Series:
    return judged.unseen if judged.champion_version is not None else judged.champion_output.is_null()


def read_cost(seconds: Mapping[str, float], package: Path, champion: Path | None) -> Cost:
    """What the candidate's package costs, beside the champion's."""
    return Cost(
        seconds={stage: round(value, 2) for stage, value in seconds.items()},
        package_bytes=_size(package),
        champion_package_bytes=None if champion is None else _size(champion),
        row_micros=_row_micros(package),
        champion_row_micros=None if champion is None else _row_micros(champion),
    )


def _size(package: Path) -> int:
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file())


def _row_micros(package: Path) -> float | None:
    taken = read_agreement(package).taken
    return None if taken is None else taken.micros
