"""What is stored: the tables of the lake, the journal, MLflow's database."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from mlops_lab.doctor.check import Check, Finding, Patient, fail, off, ok, warn
from mlops_lab.journal.segments import segments
from mlops_lab.journal.workers import read_progress, worker_paths
from mlops_lab.lake import Lake
from mlops_lab.lake.damage import check_files
from mlops_lab.lake.durability import incomplete_tables
from mlops_lab.status.wording import format_count
from mlops_lab.tables.declared import DECISIONS

MIB = 2**20
SLOW_MS = 200.0
MANY_BYTES = 1024 * MIB
_RESTORE = "restore the file from a backup (`mlops restore`), or `mlops history --verify` to see what is left"


def look_at_lake(patient: Patient) -> Finding:
    """Whether each table opens, with all its files, and whether its last commit is whole."""
    lake = Lake(patient.home / "lake")
    names = lake.tables()
    if not names:
        return off("no table yet", "`mlops run` makes them")
    half = incomplete_tables(lake.path, kept=[DECISIONS.name])
    damaged = [file for name in names if name not in half for file in check_files(lake, name)]
    if damaged:
        first = damaged[0]
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        return fail(f'table "{first.table}": {first.file or "its log"}: {first.reason}{more}', _RESTORE)
    size = sum(file.stat().st_size for file in lake.path.rglob("*.parquet"))
    seen = f"{format_count(len(names), 'table')}, {size / MIB:,.1f} MiB"
    if half:
        hint = "the next command that reads them undoes these commits, and `mlops tick` adds what they held again"
        return warn(f"{seen}; the last commit is half there of {', '.join(half)}", hint)
    return ok(seen)


def look_at_journal(patient: Patient) -> Finding:
    """How much of it waits for the loop, and whether the parts that wait are there."""
    journal = patient.home / "journal"
    if not segments(journal):
        return off("nothing was answered yet", "`mlops serve` or `mlops up` starts a server")
    positions = read_progress(patient.home / "positions.json").positions
    folders = worker_paths(journal)
    moved = [*positions, *(0 for _ in folders)]
    gaps = [
        folder for folder, position in zip(folders, moved, strict=False) if position < min(segments(folder), default=0)
    ]
    if gaps:
        seen = f"{gaps[0].relative_to(patient.folder)} begins after what the loop has moved: a segment is missing"
        return fail(seen, "`mlops tick` goes on from what is there, and says what is missing")
    waiting = sum(max(0, end - position) for end, position in zip(map(_end_of, folders), moved, strict=False))
    seen = f"up to {waiting / MIB:,.1f} MiB wait for the loop, in {format_count(len(folders), 'journal')}"
    if waiting > MANY_BYTES:
        return warn(seen, "`mlops tick` moves them into the tables; `mlops up` does it all the time")
    return ok(seen)


def look_at_mlflow(patient: Patient) -> Finding:
    """Whether MLflow's database answers, and how soon. MLflow itself is not loaded."""
    path = patient.home / "mlflow" / "mlflow.db"
    if patient.project is not None and patient.project.settings.tracking.uri:
        return off("runs and versions are at the tracking server", None)
    if not path.is_file():
        return off("nothing was trained yet", "`mlops run` trains the first version")
    began = time.perf_counter()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.5)) as database:
            runs = database.execute("SELECT count(*) FROM runs").fetchone()[0]
            versions = database.execute("SELECT count(*) FROM model_versions").fetchone()[0]
    except sqlite3.Error as error:
        return fail(
            f"{path.relative_to(patient.folder)}: {error}", "restore it from a backup; the server answers without it"
        )
    took = (time.perf_counter() - began) * 1000
    seen = f"{format_count(runs, 'run')} and {format_count(versions, 'version')}, read in {took:.0f} ms"
    if took > SLOW_MS:
        return warn(seen, "look at the disk and at what else uses it: a training waits for this database")
    return ok(seen)


def _end_of(folder: Path) -> int:
    """The position at which a journal ends, or a little more: a running server reserves some bytes ahead."""
    return max(_ends(folder), default=0)


def _ends(folder: Path) -> Iterator[int]:
    for file in folder.glob("*.log"):
        yield int(file.stem) + file.stat().st_size


LAKE = Check(
    name="lake",
    looks_at="each table: does it open, are its files there, is its last commit whole; the size of all",
    needs="folder",
    look=look_at_lake,
)
JOURNAL = Check(
    name="journal",
    looks_at="how much of the journal waits for the loop, and whether all of that is there",
    needs="folder",
    look=look_at_journal,
)
MLFLOW = Check(
    name="mlflow",
    looks_at="MLflow's database: does it answer, and how soon",
    needs="folder",
    look=look_at_mlflow,
)
