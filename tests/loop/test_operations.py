"""What happened on a day beside answers: rows without an answer, rows set aside, requests, an A/B test."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from ab_rows import DAY, HOUR, draw_test, write_answers

from mlops_lab.lake import Lake
from mlops_lab.loop.operations import read_operations, read_test_evidence
from mlops_lab.monitoring.detectors.base import Operations
from mlops_lab.monitoring.window import Window
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, keep_counts
from mlops_lab.serving.answering.request_days import note_day
from mlops_lab.tables.declared import QUARANTINE, REFUSALS
from mlops_lab.tables.table import MOMENT
from mlops_lab.tasks.binary import Binary

DAYS = 20


def test_what_is_counted_on_a_day(write_project: Any, tiny: Any, tmp_path: Path) -> None:
    lake, project = Lake(tmp_path / "lake"), write_project(tmp_path)
    window = Window(tiny.now - DAY, tiny.now)
    refusals = {"id": ["a", "b", "c"], "at": [tiny.now - HOUR, tiny.now - 2 * HOUR, tiny.now]}
    REFUSALS.append(lake, pl.DataFrame(refusals, schema_overrides=REFUSALS.fixed_schema))
    rows = [
        {"id": "1", "at": tiny.now - HOUR, "table": "stock", "event": "set_aside"},
        {"id": "2", "at": tiny.now - HOUR, "table": "stock", "event": "set_aside"},
        {"id": "1", "at": tiny.now - HOUR, "table": "stock", "event": "released"},
        {"id": "3", "at": tiny.now - 2 * DAY, "table": "stock", "event": "set_aside"},
    ]
    QUARANTINE.append(lake, pl.DataFrame(rows, schema=QUARANTINE.fixed_schema))
    seen = read_operations(project, lake, window, answered=5)
    assert (seen.answered, seen.refused, seen.requests) == (5, 2, None)
    tables = [project.settings.source.table, *project.settings.tables]
    assert seen.set_aside == {**dict.fromkeys(tables, 0), "stock": 2}

    assert set(seen.sent.values()) <= {0}, "no table has rows that were sent"

    project.workers_path.mkdir(parents=True, exist_ok=True)
    counts = WorkerCounts()
    counts.note_request("/v1/predict", 503, seconds=0.003, reason="x")
    day = (tiny.now - HOUR).astimezone(ZoneInfo(project.timezone)).date()
    note_day(counts, day.isoformat(), routes={"/v1/predict"})
    keep_counts(counts_path(project.workers_path, 0), counts)
    requests = read_operations(project, lake, window, answered=5).requests
    assert requests is not None
    assert (requests.requests, requests.failed, requests.rejected) == (1, 1, 0)


def evidence_of(tiny: Any, folder: Path, state: RolloutState, **drawn: float) -> dict[str, float]:
    lake = Lake(folder / "lake")
    write_answers(tiny, lake, *draw_test(tiny, days=DAYS, effect=drawn.get("effect", 0.0), lost=drawn.get("lost", 0.0)))
    window = Window(tiny.now - DAY, tiny.now)
    return dict(read_test_evidence(tiny.project, lake, window, state=state, task=Binary()))


def test_the_evidence_of_the_test_under_way(tiny: Any, tmp_path: Path) -> None:
    state = RolloutState(champion=1, arms=((2, 0.5),), arms_since=tiny.now - DAYS * DAY)
    equal = evidence_of(tiny, tmp_path / "equal", state)
    better = evidence_of(tiny, tmp_path / "better", state, effect=0.15)
    lost = evidence_of(tiny, tmp_path / "lost", state, lost=0.9)
    assert [*equal] == ["shares", "version 2"]
    assert equal["shares"] < 3
    assert equal["version 2"] < 3 < better["version 2"]
    assert better["shares"] == pytest.approx(equal["shares"])
    assert lost["shares"] > 5


def test_without_a_test_there_is_no_evidence(tiny: Any, tmp_path: Path) -> None:
    window, lake = Window(tiny.now - DAY, tiny.now), Lake(tmp_path / "lake")
    assert read_test_evidence(tiny.project, lake, window, state=RolloutState(champion=1), task=Binary()) == {}
    nothing = read_operations(tiny.project, lake, window, answered=0)
    assert nothing == Operations(set_aside=nothing.set_aside)


def test_rows_that_were_sent_count_on_the_day_on_which_they_arrived(
    write_project: Any, tiny: Any, tmp_path: Path
) -> None:
    lake, project = Lake(tmp_path / "lake"), write_project(tmp_path)
    known, late = tiny.now - HOUR, tiny.now - 5 * DAY
    rows = [
        (known, None, "sent"),
        (known, tiny.now - HOUR / 2, "sent"),
        (late, known, "sent_correction"),
        (late, None, "sent"),
        (known, tiny.now + HOUR, "sent"),
        (tiny.now, None, "sent"),
        (known, known, "file"),
        (known, None, None),
    ]
    schema = {"known_at": MOMENT, "received_at": MOMENT, "received_as": pl.String()}
    lake.append("stock", pl.DataFrame(rows, schema=schema, orient="row"))
    lake.append("orders", pl.DataFrame({"known_at": [known]}, schema={"known_at": MOMENT}))
    seen = read_operations(project, lake, Window(tiny.now - DAY, tiny.now), answered=5)
    assert seen.sent == {"orders": 0, "stock": 3}
