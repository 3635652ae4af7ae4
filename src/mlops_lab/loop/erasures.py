"""The record of what was erased, without the data; and the last step of each erasure, when kept copies are deleted."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from mlops_lab import clock
from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_once_a_day
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.lake import Lake
from mlops_lab.lake.durability import commits_of
from mlops_lab.lake.history import read_history
from mlops_lab.lake.retention import Retention, delete_unneeded, old_commits
from mlops_lab.lake.upkeep import write_checkpoint
from mlops_lab.project import Project
from mlops_lab.tables.declared import ERASURES, OUTCOMES
from mlops_lab.tables.numbered import append_numbered, read_numbered

DELAY = timedelta(hours=1)
"""How long copies of files are kept that nothing in use needs: for readers, and for copies of a project in use."""
BEGUN, ERASED, FINISHED = "begun", "erased", "finished"
OLD_VERSIONS = " (old versions)"
"""After the name of a table: rows of its old versions."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One time that somebody's rows were erased, as its last event says it: see the table `erasures`."""

    erasure: str
    at: datetime
    event: str
    person: str
    by: str
    due: datetime | None
    rows: dict[str, int]
    versions: list[int]


def read_erasures(lake: Lake) -> list[Erasure]:
    """All erasures, each as its last event says it, the oldest first."""
    last: dict[str, Erasure] = {}
    for row in read_numbered(ERASURES, lake):
        parsed = {name: msgspec.json.decode(row[name]) for name in ("rows", "versions")}
        last[row["erasure"]] = Erasure(**{**row, **parsed})
    return list(last.values())


def explain_by_erasures(lake: Lake) -> str | None:
    """Why values of earlier predictions may differ from what the tables give now; None where nothing was erased."""
    if not (count := len(read_erasures(lake))):
        return None
    times = "1 time" if count == 1 else f"{count} times"
    return f"rows were erased since ({times}: `mlops forget --list`), also facts of others' values"


def facts_erased(lake: Lake, *, source: str) -> dict[str, datetime]:
    """By table of facts, when rows of it were erased last; facts of the source table are outcomes, too."""
    found: dict[str, datetime] = {}
    for erasure in read_erasures(lake) if ERASURES.exists(lake) else []:
        for name in erasure.rows:
            table = name.removesuffix(OLD_VERSIONS)
            table = source if table == OUTCOMES.name else table
            found[table] = max(found.get(table, erasure.at), erasure.at)
    return found


def note_erasure(lake: Lake, erasure: Erasure) -> None:
    """Append an event."""
    row: dict[str, Any] = {name: getattr(erasure, name) for name in erasure.__struct_fields__}
    texts = {name: msgspec.json.encode(row[name]).decode() for name in ("rows", "versions")}
    append_numbered(ERASURES, lake, [{**row, **texts}])


def hash_person(project: Project, key: str) -> str:
    """A hash of a person's key with a secret of the project, which tells only that two erasures are of one person."""
    path = project.home / "erasure.key"
    try:
        if not path.exists():
            write_atomically(path, os.urandom(32), mode=0o600)
        return hmac.new(path.read_bytes(), key.encode(), sha256).hexdigest()[:32]
    except OSError as error:
        raise disk_fault(error, path) from error


def merge_counts(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """By table the larger of two counts: what a killed erasure had counted, and what is left."""
    return {name: max(first.get(name, 0), second.get(name, 0)) for name in sorted({*first, *second})}


def finish_erasures(project: Project, lake: Lake, *, now: datetime) -> None:
    """Delete the kept copies of files from before erasures that are due; an alert about one that was interrupted. Only
    with the lock of the intake held. Nothing where none is under way."""
    if not ERASURES.exists(lake):
        return
    for erasure in read_erasures(lake):
        if erasure.event == BEGUN:
            what = f"an erasure of {erasure.at:%Y-%m-%d %H:%M} (UTC) was interrupted: not all of the rows are gone"
            hint = "run `mlops forget` with the same key again: it goes on where it was"
            send_once_a_day(
                project, lake, Alert(now, "log", what, "erasures", hint), about=f"erasure {erasure.erasure}"
            )
        elif erasure.event == ERASED and erasure.due is not None and erasure.due <= clock.now():
            for name in lake.tables():
                _delete_copies(lake, name)
            note_erasure(lake, msgspec.structs.replace(erasure, event=FINISHED, at=clock.now()))


def _delete_copies(lake: Lake, name: str) -> None:
    """Delete the files and commits of a table that were replaced before the delay, also while somebody reads them."""
    folder, retention = lake.table_path(name), Retention(DELAY, DELAY)
    history = read_history(folder)
    if not any((folder / "_delta_log").glob("*.checkpoint.parquet")) and len(commits_of(folder)) > 1:
        write_checkpoint(lake, name)
    commits = old_commits(folder, retention)
    delete_unneeded(
        lake.commits, name, current=lake.files(name), pinned=history.files, commits=commits, retention=retention
    )
