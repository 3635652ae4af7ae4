"""What the rollout under way has shown in each group of requests: those of one carrier, those of one shop."""

from __future__ import annotations

import polars as pl
from msgspec import Struct

from mlops_lab.intake.now import stored_moment
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.rollout_evidence import rollout_pairs
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.versions import find_version, package_folder


class RolloutGroup(Struct, frozen=True, kw_only=True):
    """A group (`FIELD=VALUE`) of the requests with an outcome that both versions scored (`rows`), and by how much the
    challenger's loss was lower on them (`gain`): a mean, and no proof."""

    group: str
    rows: int
    gain: float


def list_groups(loop: Loop) -> list[RolloutGroup]:
    """The groups of the fields in `gates.slices` with at least `gates.slice_min_rows` rows, the one that loses most
    first; none where no rollout and no watch is under way."""
    project, state, gates = loop.project, loop.state, loop.project.settings.gates
    now = stored_moment(project, loop.lake)
    if state.compared_since is None or state.champion is None or not gates.slices or now is None:
        return []
    task = task_of(project, package_folder(project, find_version(loop.decisions, state.champion)))
    pairs = rollout_pairs(project, loop.lake, since=state.compared_since, now=now, task=task, fields=gates.slices)
    if pairs.is_empty():
        return []
    losses = [task.losses(pairs["truth"], pairs[name]) for name in ("champion", "challenger")]
    rows = pairs.with_columns((losses[0] - losses[1]).alias("__gain"))
    groups = [
        rows.group_by(
            pl.format("{}={}", pl.lit(name), pl.col(name).cast(pl.String).fill_null("missing")).alias("group")
        )
        .agg(pl.len().alias("rows"), pl.col("__gain").mean().alias("gain"))
        .filter(pl.col("rows") >= gates.slice_min_rows)
        for name in gates.slices
        if name in rows.columns
    ]
    found = pl.concat(groups).sort("gain", "group") if groups else pl.DataFrame()
    return [RolloutGroup(**row) for row in found.iter_rows(named=True)]
