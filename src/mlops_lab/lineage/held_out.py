"""Versions on the newest rows that none of them has learned from: what each cost, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.features.offline import compute, refused
from mlops_lab.inference.predictor import Predictor
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE
from mlops_lab.registry.store.records import RegisteredVersion
from mlops_lab.tables.facts import read_facts, read_labelled
from mlops_lab.tables.fields import request_fields
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.backtest import compare_blocks, equal_blocks, mean_by_block


@dataclass(frozen=True)
class Paired:
    """How much less `other` costs than `first`, on average over the blocks; the p-value of a two-sided paired t-test
    over them under "they are alike"; and all of that in words."""

    first: int
    other: int
    gain: float
    p_value: float
    blocks: int
    words: str


@dataclass(frozen=True)
class HeldOut:
    """`blocks` names the days (or numbers the stretches); `losses` holds a version's mean loss, `by_block` its mean on
    each of them."""

    loss_name: str
    since: str
    rows: int
    blocks: list[str]
    losses: dict[int, float]
    by_block: dict[int, list[float]]
    paired: list[Paired]


def compare_held_out(project: Project, versions: Sequence[RegisteredVersion]) -> HeldOut | None:
    """The versions on the rows since the latest of their cutoffs; each against the first. None where there are no rows.

    Only rows that every one of them answers. InvalidInput where they predict different things.
    """
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    predictors = [Predictor(one.package, version=one.number, fingerprint=one.fingerprint) for one in versions]
    _check_task(predictors)
    source, task = project.settings.source, predictors[0].task
    labelled = read_labelled(project, lake)
    since = max(_cutoff(one) for one in predictors)
    rows = labelled.filter(pl.col(source.time) >= since)
    rows = rows.filter(task.encode(rows[source.label]).is_not_null())
    outputs = _answers(project, lake, predictors, rows, labelled=labelled)
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
    numbers = [one.number for one in versions]
    return HeldOut(
        loss_name=task.loss_name,
        since=since.isoformat(),
        rows=rows.height,
        blocks=[str(block) for block in blocks.unique().sort()],
        losses={number: mean_of(loss) for number, loss in zip(numbers, losses, strict=True)},
        by_block={number: mean_by_block(blocks, loss).tolist() for number, loss in zip(numbers, losses, strict=True)},
        paired=[
            _pair(project, numbers[0], number, blocks=blocks, gains=losses[0] - loss)
            for number, loss in zip(numbers[1:], losses[1:], strict=True)
        ],
    )


def _pair(project: Project, first: int, other: int, *, blocks: pl.Series, gains: pl.Series) -> Paired:
    result = compare_blocks(mean_by_block(blocks, gains))
    p_value = min(1.0, 2 * min(result.p_value, compare_blocks(-mean_by_block(blocks, gains)).p_value))
    one, many = ("day", "days") if project.settings.backtest.share is None else ("stretch", "stretches")
    better, worse = (other, first) if result.gain >= 0 else (first, other)
    words = f"version {better} is better than version {worse} by {abs(result.gain):.4f} a {one}"
    words += f" (p = {p_value:.2g}, {result.blocks} {many if result.blocks != 1 else one})"
    if not p_value < project.settings.backtest.alpha:
        words = f"no difference beyond chance: {words}"
    return Paired(first, other, result.gain, p_value, result.blocks, words)


def _answers(
    project: Project, lake: Lake, predictors: Sequence[Predictor], rows: pl.DataFrame, *, labelled: pl.DataFrame
) -> list[pl.Series]:
    """What each version answers to the rows; null where a server would refuse to."""
    time = project.settings.source.time
    asked = rows.select(field.name for field in request_fields(project))
    facts = read_facts(project, lake, labelled)
    inputs: dict[str, tuple[pl.DataFrame, pl.Series]] = {}
    outputs = []
    for one in predictors:
        features = one.features
        if features.version not in inputs:
            try:
                inputs[features.version] = (
                    compute(features, asked, time=time, facts=facts),
                    refused(features, asked, time=time, facts=facts),
                )
            except (pl.exceptions.PolarsError, KeyError) as error:
                raise InvalidInput(
                    f"asks for what mlops.toml no longer has: {str(error).splitlines()[0][:200]}",
                    code="other_fields",
                    where=f"version {one.version}",
                    hint="compare it with versions of its own time, or declare the field again",
                ) from None
        frame, refuses = inputs[features.version]
        outputs.append(pl.select(pl.when(~refuses).then(one.score(frame))).to_series().alias("output"))
    return outputs


def _check_task(predictors: Sequence[Predictor]) -> None:
    kinds = {(one.plan.task, tuple(one.plan.classes)) for one in predictors}
    if len(kinds) > 1:
        said = ", ".join(f"version {one.version} is {one.plan.task}" for one in predictors)
        raise InvalidInput(
            f"they predict different things: {said}",
            code="different_tasks",
            where="RUN",
            hint="compare versions of one task and the same classes",
        )


def _cutoff(predictor: Predictor) -> datetime:
    """The moment from which the version has learned nothing."""
    lineage = msgspec.json.decode((predictor.package / LINEAGE_FILE).read_bytes(), type=dict[str, Any])
    return datetime.fromisoformat(lineage["cutoff"])
