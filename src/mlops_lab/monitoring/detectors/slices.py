"""Detectors: how good the answers were to some of the requests: those of one carrier, those of one shop."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.monitoring.detectors.excess_loss import expected_losses

SLICE = "slice "
"""`Seen.joined` has a column with this prefix for each field of `gates.slices`."""
MIN_ROWS = 100
"""Of a group with fewer outcomes in the window too little is known."""
MAX_GROUPS = 20
"""The largest groups of a field are measured."""
_Found = Iterator[tuple[str, float | None]]


def measure_excess(seen: Seen) -> _Found:
    """`excess_loss` of each group, by `FIELD=VALUE`."""
    if _has_groups(seen) and seen.task.kind != "regression":
        losses = seen.task.losses(seen.joined["truth"], seen.joined["output"])
        yield from _means(seen.joined, losses - expected_losses(seen.task, seen.joined["output"]))


def measure_skill(seen: Seen) -> _Found:
    """`skill` of each group, by `FIELD=VALUE`: the loss of its best constant answer is the entropy of its truth."""
    if not _has_groups(seen) or seen.task.kind == "regression":
        return
    losses = dict(_means(seen.joined, seen.task.losses(seen.joined["truth"], seen.joined["output"])))
    for column in _fields(seen.joined):
        shares = (
            seen.joined.group_by(column, "truth")
            .len()
            .with_columns(of=pl.col("len") / pl.col("len").sum().over(column))
        )
        entropy = shares.group_by(column, maintain_order=True).agg(
            -(pl.col("of") * pl.col("of").log()).sum().alias("of")
        )
        for value, best in entropy.sort(column).iter_rows():
            name = f"{column.removeprefix(SLICE)}={value}"
            if (loss := losses.get(name)) is not None:
                yield name, best - loss


def measure_rmse(seen: Seen) -> _Found:
    """The root mean squared error of each group, of numbers, by `FIELD=VALUE`."""
    if _has_groups(seen) and seen.task.kind == "regression":
        for name, value in _means(seen.joined, (seen.joined["output"] - seen.joined["truth"]) ** 2):
            yield name, value**0.5


def _has_groups(seen: Seen) -> bool:
    return seen.joined.height > 0 and bool(_fields(seen.joined))


def _fields(joined: pl.DataFrame) -> list[str]:
    return [column for column in joined.columns if column.startswith(SLICE)]


def _means(joined: pl.DataFrame, values: pl.Series) -> Iterator[tuple[str, float]]:
    """(`FIELD=VALUE`, mean of the values) of the groups that are large enough."""
    for column in _fields(joined):
        groups = joined.select(column).with_columns(values.alias("value")).drop_nulls(column)
        means = groups.group_by(column).agg(pl.len().alias("rows"), pl.col("value").mean())
        large = means.filter(pl.col("rows") >= MIN_ROWS).sort(["rows", column], descending=[True, False])
        for value, _, mean in large.head(MAX_GROUPS).iter_rows():
            yield f"{column.removeprefix(SLICE)}={value}", mean


SLICE_EXCESS_LOSS = AnswerDetector("slice_excess_loss", measure_excess)
SLICE_SKILL = AnswerDetector("slice_skill", measure_skill)
SLICE_RMSE = AnswerDetector("slice_rmse", measure_rmse)
