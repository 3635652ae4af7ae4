"""What happened in a window beside answers and outcomes: rows refused, set aside and sent, requests, an A/B test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from mlops_lab.intake.quarantine import SET_ASIDE
from mlops_lab.lake import Lake
from mlops_lab.loop.ab_answers import read_test
from mlops_lab.loop.ab_evidence import weigh_test
from mlops_lab.loop.joined_outcomes import read_between
from mlops_lab.monitoring.detectors.base import Operations, RequestCounts
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.value import declared_metric
from mlops_lab.serving.answering.counts import BUCKETS_SECONDS
from mlops_lab.serving.answering.request_days import read_day
from mlops_lab.tables.arrival import SENT
from mlops_lab.tables.declared import QUARANTINE, REFUSALS
from mlops_lab.tasks.base import Task

_MICROSECOND = timedelta(microseconds=1)


def read_operations(project: Project, lake: Lake, window: Window, *, answered: int) -> Operations:
    """What happened in the window, in which so many rows were answered."""
    return Operations(
        answered=answered,
        refused=read_between(lake, REFUSALS, window.began, before=window.end, columns=["at"]).height,
        set_aside=_count_set_aside(project, lake, window),
        sent=_count_sent(project, lake, window),
        requests=_count_requests(project, window),
    )


def _count_set_aside(project: Project, lake: Lake, window: Window) -> dict[str, int]:
    settings = project.settings
    rows = read_between(lake, QUARANTINE, window.began, before=window.end, columns=["at", "table", "event"])
    found = rows.filter(pl.col("event") == SET_ASIDE)["table"].to_list() if rows.height else []
    return {table: found.count(table) for table in (settings.source.table, *settings.tables)}


def _count_sent(project: Project, lake: Lake, window: Window) -> dict[str, int]:
    """By table with moments of knowing, how many rows were sent one by one and arrived in the window."""
    settings = project.settings
    known_at = {settings.source.table: settings.source.known_at}
    known_at |= {name: table.known_at for name, table in settings.tables.items() if table.known_at is not None}
    return {name: _count_arrived(lake, name, column, window) for name, column in known_at.items() if lake.exists(name)}


def _count_arrived(lake: Lake, table: str, known_at: str, window: Window) -> int:
    names, end = ("received_as", "received_at", known_at), window.end
    if not {*names} <= {*lake.schema(table)}:
        return 0  # nothing was sent yet
    parts = [lake.read(table, since=(name, window.began), before=(name, end), columns=names) for name in names[1:]]
    arrived = pl.max_horizontal("received_at", known_at)
    sent = [rows.filter(pl.col("received_as").is_in(SENT), arrived >= window.began, arrived < end) for rows in parts]
    in_both = pl.col(known_at) >= window.began
    return sent[0].filter(~in_both).height + sent[1].height


def _count_requests(project: Project, window: Window) -> RequestCounts | None:
    day = (window.end - _MICROSECOND).astimezone(ZoneInfo(project.timezone)).date()
    counted = read_day(project.workers_path, day.isoformat())
    if counted is None:
        return None
    return RequestCounts(counted.failed, counted.rejected, counted.buckets, BUCKETS_SECONDS)


def read_test_evidence(
    project: Project, lake: Lake, window: Window, *, state: RolloutState, task: Task
) -> Mapping[str, float]:
    """By name, the logarithm of each e-value of the A/B test that was under way at the end of the window; `state` is
    that of then."""
    if state.arms_since is None or not state.arms:
        return {}
    metric = declared_metric(project, task)
    test = read_test(project, lake, state, now=window.end, task=task, metric=metric)
    found = weigh_test(project, state, test)
    gains = {
        f"version {version}": float(looks.log_e[-1])
        for (version, _), looks in zip(state.arms, found.arms, strict=True)
        if len(looks.days)
    }
    return {"shares": found.shares_log_e, **gains}
