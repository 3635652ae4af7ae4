"""Power cuts: what was acknowledged is there after one, at whatever moment it comes; and what is deleted was on the disk
elsewhere before."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from own_stores import own_lake
from power_cut import Crash, Disk
from running import Talk, mlops, mlops_serve, serving
from synthetic import World, ask, day_begin, tell

from mlops_lab import clock
from mlops_lab.intake.journal import ingest_journal, recover_journals
from mlops_lab.journal.segments import read_pieces, segments
from mlops_lab.lake.file_summaries import FOLDER as SUMMARIES
from mlops_lab.lake.retention import Retention
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.upkeep import keep_tables_small
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.project import Project, load_project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.tables.open_lake import open_lake

AT_ONCE = Retention(timedelta(0), timedelta(0))


def make_service(project: Project) -> Service:
    service = Service(project, read_routing_table(project.deployment_path))
    service.journal._segment_bytes = 6_000
    return service


def answer(service: Service, rows: list[dict[str, Any]]) -> list[str]:
    """Answer as a server with durability "fsync" does: acknowledged once the journal is synced."""
    records = service.predict([msgspec.convert(ask(row), service.schemas.request) for row in rows])
    service.accept_outcomes([msgspec.convert(tell(row), service.schemas.outcome) for row in rows[::2]])
    service.journal.sync()
    return [record.id for record in records]


def check_recovered(crash: Crash, project: Project, folder: Path, *, keep_names: bool) -> None:
    """After the power cut the project goes on, and holds what was acknowledged before it, each once."""
    shutil.rmtree(folder, ignore_errors=True)
    crash.rebuild(project.root, folder, keep_names=keep_names)
    recovered = load_project(folder)
    lake = open_lake(recovered)
    recover_journals(recovered)
    ingest_journal(recovered, lake)
    logged = Counter(lake.read("predictions")["id"]) if lake.exists("predictions") else Counter()
    assert crash.acknowledged <= logged.keys()
    assert not logged or max(logged.values()) == 1
    if lake.exists("outcomes"):
        outcomes = lake.read("outcomes").filter(verdict="accepted")
        assert outcomes["id"].is_unique().all()
    assert check_log(lake).problems == []


@own_lake
@pytest.mark.parametrize("keep_names", [False, True], ids=["names are lost", "files are empty"])
@pytest.mark.parametrize("points", [6, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_what_was_acknowledged_survives_a_power_cut_at_any_moment(
    project: Project, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: int, keep_names: bool
) -> None:
    monkeypatch.setattr("mlops_lab.rollout.journal_retention.KEPT", timedelta(0))
    monkeypatch.setattr("mlops_lab.lake.compaction._FILES", 2)
    monkeypatch.setattr("mlops_lab.intake.digests._MOST_UNMERGED", 0)
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(60).to_dicts()
    loop = Loop(project)
    loop.act(new_state=True)
    disk = Disk(project.root, monkeypatch)
    service = make_service(project)
    for start in range(0, 60, 10):
        disk.acknowledge(answer(service, rows[start : start + 10]))
        if start % 20:
            ingest_journal(project, loop.lake)
            keep_tables_small(project, loop.lake, loop.decisions, now=clock.now(), retention=AT_ONCE)
        if start % 30 == 20:
            loop.act(new_state=True)
    service.close()
    assert segments(project.journal_path)[0] > 0, "segments were deleted"
    disk.note_crash()
    step = max(1, len(disk.crashes) // points)
    for crash in [*disk.crashes[::step], disk.crashes[-1]]:
        check_recovered(crash, project, tmp_path / "after", keep_names=keep_names)


DROP = """
import sys
from datetime import timedelta
from pathlib import Path
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.project import load_project
from mlops_lab.rollout import journal_retention

journal_retention.KEPT = timedelta(0)
loop = Loop(load_project(Path(sys.argv[1])))
ingest_journal(loop.project, loop.lake)
loop.act(new_state=True)
"""
CALL = re.compile(r"(?P<name>\w+)\((?P<words>.*)\) += 0")


@own_lake
def test_everything_is_synced_before_a_segment_is_deleted(project: Project, world: World, tmp_path: Path) -> None:
    """As the system calls tell, among them those of delta-rs."""
    if not shutil.which("strace"):
        reason = "needs strace: apt-get install strace"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(60).to_dicts()
    Loop(project).act(new_state=True)
    service = make_service(project)
    for start in range(0, 60, 20):
        answer(service, rows[start : start + 20])
    service.close()
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat"
    command = ["strace", "-f", "-y", "-s", "500", "-o", trace, "-e", calls, sys.executable, "-c", DROP, project.root]
    subprocess.run(command, check=True, timeout=200)
    unsynced: set[str] = set()
    deleted = []
    for line in trace.read_text().splitlines():
        if (call := CALL.search(line)) is None:
            continue
        quoted, held = re.findall(r'"([^"]*)"', call["words"]), re.findall(r"<([^>]*)>", call["words"])
        if quoted and f"/{SUMMARIES}/" in quoted[-1]:  # they may be lost: they are computed again
            continue
        if call["name"].startswith(("rename", "link")) and str(project.lake_path) in quoted[-1]:
            unsynced |= {quoted[-1], str(Path(quoted[-1]).parent)}
        elif call["name"].startswith("f"):
            unsynced -= {held[0]}
        elif call["name"].startswith("unlink") and quoted[-1].endswith(".log"):
            deleted.append(quoted[-1])
            assert not unsynced, f"{deleted[-1]} was deleted before these were synced"
    assert deleted
    assert {file for file in project.lake_path.rglob("*.parquet") if str(file) in trace.read_text()}


def test_a_changed_byte_costs_one_record_and_is_told(
    project: Project, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(8).to_dicts()
    with serving(project) as server:
        answers = [server.talk().predict(ask(row)) for row in rows]
        server.kill()
    (segment,) = project.journal_path.glob("*.log")
    frames = list(read_pieces(project.journal_path, 0))
    data = bytearray(segment.read_bytes())
    data[frames[1].start + 60] ^= 1
    segment.write_bytes(data)
    with mlops_serve(project.root) as ready:
        host, _, port = ready["ready"].removeprefix("http://").partition(":")
        talk = Talk(project, host, int(port))
        assert [talk.predict(ask(row)) for row in rows[2:]] == answers[2:]
        assert talk.post("/v1/predict", {**ask(rows[7]), "items": 99})[1]["error"]["code"] == "id_reused"
        assert talk.tell([tell(rows[7])])["counts"]["accepted"] == 1
        metrics = talk.text("/metrics")
    size = frames[1].end - frames[1].start
    assert re.search(r"^mlops_log_damaged_places\{.*\} 1$", metrics, re.MULTILINE)
    assert re.search(rf"^mlops_log_damaged_bytes\{{.*\}} {size}$", metrics, re.MULTILINE)
    mlops("tick", project=project.root)
    status = mlops("status", project=project.root).data
    assert (status["damaged_places"], status["damaged_bytes"], status["alert"]["rule"]) == (1, size, "journal")
    assert sorted(open_lake(project).read("predictions")["id"]) == sorted(
        row["parcel_id"] for row in [rows[0], *rows[2:]]
    )
