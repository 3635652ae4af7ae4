"""Versions compared on the newest rows, which none of them was trained on: their losses, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
from msgspec import Struct

from mlops_lab.errors import InvalidInput
from mlops_lab.features.offline import Facts, compute, refused
from mlops_lab.inference.predictor import Predictor
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, read_file
from mlops_lab.registry.store.records import RegisteredVersion
from mlops_lab.rollout.versions import package_folder
from mlops_lab.serving.answering.routing_table import LiveVersion
from mlops_lab.tables.facts import AS_OF, read_labelled
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.backtest import compare_blocks, equal_blocks, mean_by_block
from mlops_lab.training.outcome_delay import read_training_facts


class PairedComparison(Struct, frozen=True, kw_only=True):
    """How much lower the loss of `other` is than that of `first` (`gain`, the mean over the blocks), the p-value of a
    two-sided paired t-test over the blocks (null hypothesis: no difference), and both as a sentence (`words`)."""

    first: int
    other: int
    gain: float
    p_value: float
    blocks: int
    words: str


class HeldOut(Struct, frozen=True, kw_only=True):
    """`blocks` names the days, or numbers the blocks of rows. `losses` is the mean loss of each version, `by_block` its
    mean loss on each block."""

    loss_name: str
    since: str
    rows: int
    blocks: list[str]
    losses: dict[int, float]
    by_block: dict[int, list[float]]
    paired: list[PairedComparison]


def compare_held_out(project: Project, versions: Sequence[RegisteredVersion]) -> HeldOut | None:
    """The losses of the versions on the rows since the latest of their cutoffs, each compared with the first; None
    where there are no such rows.

    Only rows that every version can answer count. InvalidInput where the versions predict different things.
    """
    lake = open_lake(project)
    ingest_journal(project, lake)
    lake = lake.pin()  # all versions are compared on the same rows and facts
    predictors = [
        Predictor(_find_package(project, version), version=version.number, fingerprint=version.fingerprint)
        for version in versions
    ]
    _check_same_task(predictors)
    source, task = project.settings.source, predictors[0].task
    labelled = read_labelled(project, lake)
    since = max(read_cutoff(predictor) for predictor in predictors)
    rows = labelled.filter(pl.col(source.time) >= since)
    rows = rows.filter(task.encode(rows[source.label]).is_not_null())
    outputs = _predict(project, lake, predictors, rows)
    answered = pl.Series([True] * rows.height, dtype=pl.Boolean)
    for output in outputs:
        answered = answered & ~task.invalid(output)
    if not answered.any():
        return None
    rows, truth = rows.filter(answered), task.encode(rows[source.label]).filter(answered)
    losses = [task.losses(truth, output.filter(answered)) for output in outputs]
    by_day = project.settings.backtest.share is None
    moments = rows[source.time]
    blocks = moments.dt.convert_time_zone(project.timezone).dt.date() if by_day else equal_blocks(rows.height)
    numbers = [version.number for version in versions]
    return HeldOut(
        loss_name=task.loss_name,
        since=since.isoformat(),
        rows=rows.height,
        blocks=[str(block) for block in blocks.unique().sort()],
        losses={number: mean_of(loss) for number, loss in zip(numbers, losses, strict=True)},
        by_block={number: mean_by_block(blocks, loss).tolist() for number, loss in zip(numbers, losses, strict=True)},
        paired=[
            compare_pair(
                numbers[0],
                number,
                gains=mean_by_block(blocks, losses[0] - loss),
                alpha=project.settings.backtest.alpha,
                block_name="day" if by_day else "block",
            )
            for number, loss in zip(numbers[1:], losses[1:], strict=True)
        ],
    )


def _find_package(project: Project, version: RegisteredVersion) -> Path:
    """The folder of its package, which may have to be fetched."""
    return package_folder(project, LiveVersion(version.number, str(version.package), version.fingerprint))


def compare_pair(
    first: int, other: int, *, gains: npt.NDArray[np.float64], alpha: float, block_name: str
) -> PairedComparison:
    """The comparison of two versions by how much lower the loss of `other` is on each block (`gains`); below `alpha`
    the p-value says that they differ."""
    result = compare_blocks(gains)
    p_value = min(1.0, 2 * min(result.p_value, compare_blocks(-gains).p_value))
    better, worse = (other, first) if result.gain >= 0 else (first, other)
    blocks = f"{result.blocks} {block_name}{'s' if result.blocks != 1 else ''}"
    words = f"version {better} is better than version {worse} by {abs(result.gain):.4f} a {block_name}"
    words += f" (p = {p_value:.2g}, {blocks})"
    if not p_value < alpha:
        words = f"no difference beyond chance: {words}"
    return PairedComparison(
        first=first, other=other, gain=result.gain, p_value=p_value, blocks=result.blocks, words=words
    )


def _predict(project: Project, lake: Lake, predictors: Sequence[Predictor], rows: pl.DataFrame) -> list[pl.Series]:
    """The output of each version for the rows; null where a server would refuse the request."""
    facts = read_training_facts(project, lake)
    inputs: dict[str, tuple[pl.DataFrame, pl.Series]] = {}
    outputs = []
    for predictor in predictors:
        features = predictor.features
        if features.version not in inputs:
            inputs[features.version] = compute_inputs(project, predictor, rows, facts=facts)
        frame, refuses = inputs[features.version]
        outputs.append(pl.select(pl.when(~refuses).then(predictor.score(frame))).to_series().alias("output"))
    return outputs


def compute_inputs(
    project: Project, predictor: Predictor, rows: pl.DataFrame, *, facts: Facts
) -> tuple[pl.DataFrame, pl.Series]:
    """The inputs of a version for labelled rows, each as of its own time, and which of the rows a server would refuse.

    InvalidInput where it needs a field that the project no longer has.
    """
    requests = rows.select(*(field.name for field in request_fields(project)), AS_OF)
    try:
        return (
            compute(predictor.features, requests, time=AS_OF, facts=facts),
            refused(predictor.features, requests, time=AS_OF, facts=facts),
        )
    except (pl.exceptions.PolarsError, KeyError) as error:
        raise InvalidInput(
            f"needs a field that mlops.toml no longer has: {str(error).splitlines()[0][:200]}",
            code="other_fields",
            where=f"version {predictor.version}",
            hint="compare it with versions of that time, or declare the field again",
        ) from None


def _check_same_task(predictors: Sequence[Predictor]) -> None:
    kinds = {(predictor.plan.task, tuple(predictor.plan.classes)) for predictor in predictors}
    if len(kinds) > 1:
        tasks = ", ".join(f"version {predictor.version} is {predictor.plan.task}" for predictor in predictors)
        raise InvalidInput(
            f"they predict different things: {tasks}",
            code="different_tasks",
            where="RUN",
            hint="compare versions of one task and the same classes",
        )


def read_cutoff(predictor: Predictor) -> datetime:
    """The moment from which on the version was trained on nothing."""
    lineage = msgspec.json.decode(read_file(predictor.package, LINEAGE_FILE), type=dict[str, Any])
    return datetime.fromisoformat(lineage["cutoff"])
