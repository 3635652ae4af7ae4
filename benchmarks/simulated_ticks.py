"""Many ticks of a project's life in a short time: each moves some answers and outcomes from the journal into the lake.

Nothing is brought to the disk, and the times for which files and commits stay are shortened to the speed of the
simulation: so as many of them are there at its end as at the end of a life that long.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from unittest import mock

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, encode_frame
from mlops_lab.journal.workers import worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.lake.delta import PROPERTIES
from mlops_lab.lake.retention import Retention
from mlops_lab.loop.upkeep import keep_tables_small
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.journal_retention import drop_unneeded

_TICKS_BETWEEN_MEASURES = 50
_SECONDS_PER_TICK = 0.15
"""Before it is measured."""


def simulate_ticks(
    project: Project,
    lake: Lake,
    *,
    ticks: int,
    start: datetime,
    request: Callable[[datetime], dict[str, Any]],
    outcome: dict[str, Any],
    features: dict[str, Any],
    rows_per_tick: int = 4,
    minutes_per_tick: float = 1.0,
    decisions: Sequence[Decision] = (),
) -> int:
    """Live through ticks from `start` on: the bytes of what was acknowledged. Each tick has some answers of version 1
    and, an hour later, their outcomes.

    `request` makes the request of a moment; its outcome and features are always the same.
    """
    kept, begin, measured = Retention(), monotonic(), _SECONDS_PER_TICK
    waiting: list[PredictionRecord] = []
    acknowledged = 0
    hour = f"interval {round(60 / minutes_per_tick * _SECONDS_PER_TICK)} seconds"
    with (
        mock.patch.object(os, "fsync", _sync_nothing),
        mock.patch.object(os, "fdatasync", _sync_nothing),
        mock.patch.dict(PROPERTIES, {"delta.deletedFileRetentionDuration": hour}),
    ):
        journal = Journal(worker_path(project.journal_path, 0))
        for tick in range(ticks):
            now = start + timedelta(minutes=minutes_per_tick * tick)
            answers = [
                PredictionRecord(f"{tick}-{number}", now, 1, "champion", 0.25, request(now), features)
                for number in range(rows_per_tick)
            ]
            known = [record for record in waiting if record.at <= now - timedelta(hours=1)]
            waiting = [*waiting[len(known) :], *answers]
            outcomes = [OutcomeRecord(record.id, now, "accepted", outcome, record) for record in known]
            frame = encode_frame([*answers, *outcomes])
            acknowledged += len(frame)
            journal.append([frame])
            positions = ingest_journal(project, lake)
            speed = measured / minutes_per_tick
            keep_tables_small(
                project,
                lake,
                decisions,
                now=now,
                retention=Retention(*(timedelta(seconds=speed * item.total_seconds() / 60) for item in kept)),
            )
            drop_unneeded(project, lake, positions)
            if tick % _TICKS_BETWEEN_MEASURES == _TICKS_BETWEEN_MEASURES - 1:
                measured = (monotonic() - begin) / (tick + 1)
        journal.close()
    return acknowledged


def _sync_nothing(_: int) -> None:
    """Instead of `os.fsync`. A mock would keep each call in memory."""
