"""What an A/B test has shown so far: who was in which arm, and what the answers were worth.

Like a rollout (`rollout_evidence`), a test counts an outcome on the day on which it arrived, and only days that are
over: what was looked at does not change any more. A key belongs to the version that answered its last request; what
another one answered to it (while servers took the test over; for a version that failed) does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import accepted_since, arrival, read_between, with_truth
from mlops_lab.monitoring.measure import ARM, CHAMPION
from mlops_lab.monitoring.window import whole_days
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.evidence.arms import CONTROL, Answers
from mlops_lab.rollout.value import VALUE, Metric, with_value
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.table import MOMENT
from mlops_lab.tasks.base import Task

_KEY, _GROUP = "__key", "__group"
_IS_CANARY = pl.col("role") == "canary"


@dataclass(frozen=True)
class GroupCounts:
    """Of one version: its keys, the requests that it answered, and how many of these have an outcome."""

    keys: int = 0
    requests: int = 0
    outcomes: int = 0


@dataclass(frozen=True)
class ABAnswers:
    """The answers of a test until `until`, the end of its last day that is over, and the counts of each group (the
    control first) as of now. `crossed`: requests that another version answered than the one of their key."""

    until: datetime
    counts: tuple[GroupCounts, ...]
    crossed: int
    answers: Answers


def read_test(
    project: Project, lake: Lake, state: RolloutState, *, now: datetime, task: Task, metric: Metric
) -> ABAnswers:
    """The answers of the A/B test under way, as known at `now`."""
    began = state.arms_since
    assert began is not None
    days = [window.end for window in whole_days(began, now, project.timezone)]
    fields = _fields(project, metric)
    predictions = _with_groups(project, state, _requests(project, lake, began, now), since=began)
    # a key is in the group of its last request, whatever answered it: the champion also answers for an arm that fails
    homes = predictions.sort("at", "id").group_by(_KEY, maintain_order=True).agg(pl.col(_GROUP).last().alias("home"))
    is_home = (pl.col(_GROUP) == pl.col("home")) & ~_IS_CANARY
    asked = predictions.join(homes, on=_KEY, how="left")
    joined = accepted_since(project, lake, began, known_by=now, fields=fields)
    known = _with_groups(project, state, joined, since=began).join(homes, on=_KEY, how="left").filter(is_home)
    groups = range(len(state.arms) + 1)
    counts = tuple(
        GroupCounts(
            homes.filter(pl.col("home") == group).height,
            asked.filter(is_home, pl.col("home") == group).height,
            known.filter(pl.col("home") == group).height,
        )
        for group in groups
    )
    until = days[-1] if days else began
    over = known.filter(arrival() < until) if known.height else known
    over = _valued(project, lake, over, task=task, metric=metric)
    history = _history(project, lake, began, task=task, metric=metric, fields=fields)
    answers = _as_arrays(over, ends=days, history=history)
    return ABAnswers(until, counts, asked.filter(pl.col(_GROUP) != pl.col("home")).height, answers)


def _fields(project: Project, metric: Metric) -> list[str]:
    """The columns of requests and outcomes that are needed: those of the metric, and the key."""
    key = project.settings.source.key
    return list(dict.fromkeys([*metric.fields, *([] if key is None else [key])]))


def _requests(project: Project, lake: Lake, began: datetime, now: datetime) -> pl.DataFrame:
    """The requests that were answered since then."""
    key = project.settings.source.key
    columns = ["id", "at", "version", "role", *([] if key is None else [key])]
    return read_between(lake, PREDICTIONS, began, before=now, columns=columns)


def _with_groups(project: Project, state: RolloutState, rows: pl.DataFrame, *, since: datetime) -> pl.DataFrame:
    """The rows since the test began with their key, as servers route by it, and their group. The canary of a rollout
    gets its keys from those of the control."""
    key = project.settings.source.key
    if rows.is_empty():
        return pl.DataFrame(
            schema={"id": pl.String, "at": MOMENT, "role": pl.String, _KEY: pl.String, _GROUP: pl.Int64}
        )
    asked_at = "at" if "at" in rows.columns else "predicted_at"
    is_champion = (pl.col("role") == CHAMPION) & (pl.col("version") == state.champion)
    groups = [
        pl.when(is_champion | _IS_CANARY).then(CONTROL),
        *(
            pl.when(pl.col("role") == ARM, pl.col("version") == version).then(number)
            for number, (version, _) in enumerate(state.arms, start=1)
        ),
    ]
    routed_by = pl.col("id") if key is None else pl.coalesce(pl.col(key).cast(pl.String), "id")
    found = rows.filter(pl.col(asked_at) >= since).with_columns(
        routed_by.alias(_KEY), pl.coalesce(groups).cast(pl.Int64).alias(_GROUP)
    )
    return found.filter(pl.col(_GROUP).is_not_null())


def _valued(project: Project, lake: Lake, rows: pl.DataFrame, *, task: Task, metric: Metric) -> pl.DataFrame:
    """The rows that have a value."""
    if rows.is_empty():
        return rows
    rows = with_truth(project, lake, rows, task).filter(pl.col("truth").is_not_null(), pl.col("output").is_not_null())
    return with_value(project, rows, task=task, metric=metric).filter(pl.col(VALUE).is_not_null())


def _history(
    project: Project, lake: Lake, began: datetime, *, task: Task, metric: Metric, fields: list[str]
) -> pl.DataFrame:
    """By key, what its answers were worth on average in the days before the test, as known when it began."""
    key, days = project.settings.source.key, project.settings.ab.history_days
    if key is None or not days:
        return pl.DataFrame(schema={_KEY: pl.String, "history": pl.Float64})
    since = days_before(began, days, project.timezone)
    rows = accepted_since(project, lake, since, known_by=began, fields=fields)
    if rows.height:
        rows = rows.filter(pl.col("predicted_at") >= since, pl.col(key).is_not_null())
    rows = _valued(project, lake, rows, task=task, metric=metric)
    if rows.is_empty():
        return pl.DataFrame(schema={_KEY: pl.String, "history": pl.Float64})
    by_key = rows.group_by(pl.col(key).cast(pl.String).alias(_KEY), maintain_order=True)
    return by_key.agg(pl.col(VALUE).mean().alias("history"))


def _as_arrays(rows: pl.DataFrame, *, ends: list[datetime], history: pl.DataFrame) -> Answers:
    """The rows as arrays, in the order of the days that end then."""
    if rows.is_empty():
        nothing = np.empty(0, dtype=np.int64)
        return Answers(nothing, nothing, nothing, np.empty(0), np.empty(0))
    day = pl.Series(ends).search_sorted(rows.select(arrival().alias("at"))["at"], side="right")
    rows = rows.with_columns(day.cast(pl.Int64).alias("day")).join(history, on=_KEY, how="left").sort("day", "id")
    keys = rows[_KEY].rank("dense").cast(pl.Int64) - 1
    return Answers(
        days=rows["day"].to_numpy(),
        keys=keys.to_numpy(),
        groups=rows["home"].to_numpy(),
        values=rows[VALUE].to_numpy(),
        history=rows["history"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
    )
