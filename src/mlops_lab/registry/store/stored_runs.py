"""Runs and versions read from MLflow's database: without MLflow, which takes 4 s to import, and without changing it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Snapshot
from mlops_lab.registry.store.records import CURVES, Curve, RegisteredVersion, TrackedRun

DATABASE = "mlflow.db"
_ENDED = {"FINISHED", "FAILED"}
_RUNS = (
    "SELECT run_uuid, name, status, start_time, end_time FROM runs WHERE lifecycle_stage = 'active' "
    "ORDER BY start_time DESC"
)
_IS_FIGURE = f"key NOT LIKE '{CURVES}%'"
_CURVES = (
    f"SELECT run_uuid, key, timestamp, value FROM metrics WHERE key LIKE '{CURVES}%' AND NOT is_nan "
    "ORDER BY run_uuid, key, step"
)
_DATASETS = (
    "SELECT inputs.destination_id, name, digest, json_extract(dataset_source, '$.delta_table_version'), "
    "json_extract(dataset_profile, '$.num_rows') FROM inputs JOIN datasets ON dataset_uuid = source_id "
    "WHERE source_type = 'DATASET' AND destination_type = 'RUN' AND dataset_source_type = 'delta_table' ORDER BY name"
)
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
        metrics = _by_run(
            connection, f"SELECT run_uuid, key, value FROM latest_metrics WHERE NOT is_nan AND {_IS_FIGURE}"
        )
        tags = _by_run(connection, "SELECT run_uuid, key, value FROM tags WHERE key NOT LIKE 'mlflow.%'")
        return [
            TrackedRun(
                run_id=run_id,
                name=name,
                parameters=parameters[run_id],
                metrics=metrics[run_id],
                tags=tags[run_id],
                is_finished=status in _ENDED,
                began=_to_moment(began),
                ended=None if ended is None else _to_moment(ended),
            )
            for run_id, name, status, began, ended in connection.execute(_RUNS)
        ]


def read_curves(folder: Path) -> Mapping[str, Mapping[str, Curve]]:
    """The curves of all runs: by run and name."""
    curves: defaultdict[str, dict[str, list[tuple[datetime, float]]]] = defaultdict(dict)
    with _open(folder) as connection:
        rows = connection.execute(_CURVES) if connection is not None else []
        for run_id, name, milliseconds, value in rows:
            curves[run_id].setdefault(name.removeprefix(CURVES), []).append((_to_moment(milliseconds), value))
    return curves


def read_datasets(folder: Path) -> Mapping[str, list[Snapshot]]:
    """The tables that each run used, in the order of their names; none for runs of older releases."""
    tables: defaultdict[str, list[Snapshot]] = defaultdict(list)
    with _open(folder) as connection:
        rows = connection.execute(_DATASETS) if connection is not None else []
        for run_id, name, digest, version, count in rows:
            tables[run_id].append(Snapshot(name, version, count, digest))
    return tables


def read_versions(folder: Path) -> list[RegisteredVersion]:
    """All registered versions, by number. Their packages are where they are now: MLflow keeps full paths, also when a
    project was moved."""
    with _open(folder) as connection:
        rows = connection.execute(_VERSIONS).fetchall() if connection is not None else []
    return [
        RegisteredVersion(number, run_id, folder / "artifacts" / run_id / "artifacts" / "model", fingerprint)
        for number, run_id, fingerprint in rows
    ]


def _to_moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


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
