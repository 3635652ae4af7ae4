"""Lake, journal and MLflow's database, as they are found on the disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks.stores import look_at_journal, look_at_lake, look_at_mlflow
from mlops_lab.journal.segments import segment_name, write_segment
from mlops_lab.journal.workers import Progress


def test_a_whole_lake(copied: Path) -> None:
    found = look_at_lake(Patient(root=copied))
    assert (found.state, found.hint) == ("ok", None)
    assert "tables" in found.seen


def test_a_commit_that_is_half_there(copied: Path) -> None:
    lake = copied / ".mlops" / "lake"
    log = lake / "traffic" / "_delta_log"
    commit = max(log.glob("*.json"))
    commit.with_name(f"{int(commit.stem) + 1:020d}.json").write_bytes(b"")
    found = look_at_lake(Patient(root=copied))
    assert (found.state, "half there of traffic" in found.seen) == ("warn", True)


def test_a_file_that_is_gone(copied: Path) -> None:
    files = (copied / ".mlops" / "lake" / "decisions").glob("*.parquet")
    min(files, key=lambda path: path.stat().st_mtime_ns).unlink()  # of the last commit, it would be undone
    found = look_at_lake(Patient(root=copied))
    assert found.state == "fail"
    assert "decisions" in found.seen
    assert "it is gone" in found.seen


def test_a_journal(tmp_path: Path) -> None:
    patient, home = Patient(root=tmp_path), tmp_path / ".mlops"
    assert look_at_journal(patient).state == "off"
    home.mkdir()
    write_segment(home / "journal", [b"x" * 2**20] * 3)
    assert look_at_journal(patient).seen == "up to 3.0 MiB wait for the loop, in 1 journal"
    size = (home / "journal" / segment_name(0)).stat().st_size
    (home / "positions.json").write_bytes(msgspec.json.encode(Progress((size,))))
    assert look_at_journal(patient).seen == "up to 0.0 MiB wait for the loop, in 1 journal"


def test_a_segment_that_is_missing(tmp_path: Path) -> None:
    journal = tmp_path / ".mlops" / "journal"
    journal.mkdir(parents=True)
    (journal / segment_name(5000)).write_bytes(b"")
    found = look_at_journal(Patient(root=tmp_path))
    assert (found.state, "a segment is missing" in found.seen) == ("fail", True)


def test_the_database_of_mlflow(copied: Path) -> None:
    patient, path = Patient(root=copied), copied / ".mlops" / "mlflow" / "mlflow.db"
    assert look_at_mlflow(patient).seen.startswith("1 run and 1 version, read in")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE runs")
    assert look_at_mlflow(patient).state == "fail"
    path.unlink()
    assert look_at_mlflow(patient).state == "off"
