"""Runs and versions read from MLflow's database: without MLflow, which takes 4 s to import, and without changing it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.store.records import RegisteredVersion, TrackedRun

DATABASE = "mlflow.db"
_ENDED = {"FINISHED", "FAILED"}
_RUNS = "SELECT run_uuid, name, status, start_time FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time DESC"
_VERSIONS = (
    "SELECT CAST(versions.version AS INTEGER) AS number, versions.run_id, tags.value "
    "FROM model_versions AS versions JOIN model_version_tags AS tags "
    "ON tags.name = versions.name AND tags.version = versions.version AND tags.key = 'fingerprint' "
    "WHERE versions.current_stage != 'Deleted_Internal' ORDER BY number"
)


def read_runs(folder: Path) -> list[TrackedRun]:
    """All runs in a project's folder of MLflow, the newest first; none where nothing was trained yet."""
    with _open(folder) as connection:
        if connection is None:
            return []
        parameters = _by_run(connection, "SELECT run_uuid, key, value FROM params")
        metrics = _by_run(connection, "SELECT run_uuid, key, value FROM latest_metrics WHERE NOT is_nan")
        tags = _by_run(connection, "SELECT run_uuid, key, value FROM tags WHERE key NOT LIKE 'mlflow.%'")
        return [
            TrackedRun(
                run_id=run_id,
                name=name,
                parameters=parameters[run_id],
                metrics=metrics[run_id],
                tags=tags[run_id],
                is_finished=status in _ENDED,
                began=datetime.fromtimestamp(milliseconds / 1000, UTC),
            )
            for run_id, name, status, milliseconds in connection.execute(_RUNS)
        ]


def read_versions(folder: Path) -> list[RegisteredVersion]:
    """All registered versions, by number. Their packages are where they are now: MLflow keeps full paths, also when a
    project was moved."""
    with _open(folder) as connection:
        rows = connection.execute(_VERSIONS).fetchall() if connection is not None else []
    return [
        RegisteredVersion(number, run_id, folder / "artifacts" / run_id / "artifacts" / "model", fingerprint)
        for number, run_id, fingerprint in rows
    ]


@contextmanager
def _open(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """The database, to be read only; None where there is none. EnvironmentFault where it cannot be read."""
    path = folder / DATABASE
    if not path.is_file():
        yield None
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise EnvironmentFault(
            f"cannot be read: {error}",
            code="mlflow_fault",
            where=str(path),
            hint="restore it from a backup; if another process is writing to it, try again",
        ) from error


def _by_run(connection: sqlite3.Connection, query: str) -> defaultdict[str, dict[str, Any]]:
    """Names and values by run."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for run_id, name, value in connection.execute(query):
        found[run_id][name] = value
    return found
