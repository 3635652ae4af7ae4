"""The tables of a project are kept small by the loop, and nothing that they must tell is lost by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec
import polars as pl
import pytest
from one_of_each import ids, records_of, write

from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake import digests
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.records import encode_frame
from mlops_lab.journal.workers import worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake, compaction, retention
from mlops_lab.lake.retention import Retention
from mlops_lab.loop.needed_versions import trained_on
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.upkeep import keep_tables_small
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.tables.declared import ALERTS, LOG_DIGESTS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT_ONCE = Retention(timedelta(0), timedelta(0))


@pytest.fixture
def project(tmp_path, write_project):
    return write_project(tmp_path)


def trained(project, *snapshots: tuple[str, int]) -> list:
    """The decision to register a version that was trained on these."""
    package = project.root / "package"
    package.mkdir()
    lineage = {
        "snapshots": [{"table": table, "version": version, "rows": 1} for table, version in snapshots],
        "rows": 1,
    }
    (package / "lineage.json").write_bytes(msgspec.json.encode(lineage))
    return [
        SimpleNamespace(version=number, evidence={"package": name}) for number, name in enumerate(("package", "gone"))
    ]


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Whatever can be done is done after a few ticks."""
    monkeypatch.setattr(compaction, "_FILES", 4)
    monkeypatch.setattr(retention, "_COMMITS_AT_ONCE", 1)
    monkeypatch.setattr(digests, "_MOST_UNMERGED", 60)


@pytest.fixture
def live(project):
    """Lives through ticks, each with a record of each kind."""
    journal = Journal(worker_path(project.journal_path, 0))

    def live(lake: Lake, names: range, decisions=()) -> None:
        for name in names:
            journal.append([encode_frame(records_of(f"{name}"))])
            journal.sync()
            ingest_journal(project, lake)
            keep_tables_small(project, lake, decisions, now=NOW, retention=AT_ONCE)

    yield live
    journal.close()


def test_many_ticks_leave_few_files_and_digests_and_the_log_is_whole(project, live):
    lake = Lake(project.lake_path)
    live(lake, range(16))
    for table in lake.tables():
        assert len(lake.files(table)) <= 6, table
    assert LOG_DIGESTS.read(lake).height < 150
    assert ids(lake) == sorted(f"{name}" for name in range(16))
    report = check_log(lake)
    assert (report.rows, report.problems) == (32, [])


def test_what_a_registered_version_was_trained_on_stays_readable(project, live):
    lake = Lake(project.lake_path)
    live(lake, range(3))
    version = lake.version("stock")
    stock = lake.read("stock")
    decisions = trained(project, ("stock", version), ("nothing", 3))
    assert {item.table for item in trained_on(project, decisions).needed} == {"stock", "nothing"}
    live(lake, range(3, 18), decisions)
    assert not (lake.table_path("stock") / "_delta_log" / f"{version:020d}.json").exists()
    by = ["known_at", "received_at"]
    assert lake.read("stock", version=version).sort(by).equals(stock.sort(by))
    with pytest.raises(EnvironmentFault):
        lake.read("stock", version=version + 1)


def test_a_table_that_cannot_be_read_is_an_alert_once_a_day_and_the_others_are_kept_small(project, live):
    lake = Lake(project.lake_path)
    live(lake, range(2))
    file = next(iter(lake.files("stock")))
    (lake.table_path("stock") / file).unlink()
    live(lake, range(2, 10))
    (alert,) = ALERTS.read(lake).filter(pl.col("what").str.contains("put together")).to_dicts()
    assert alert["what"].startswith("stock: its files are not put together any more")
    assert alert["at"] == NOW
    assert len(lake.files("stock")) == 10
    assert len(lake.files("predictions")) <= 6


def test_a_tick_keeps_the_tables_small(project):
    loop = Loop(project)
    for name in range(8):
        write(project, f"{name}")
        loop.tick(NOW)
    assert len(loop.lake.files("predictions")) <= 6
