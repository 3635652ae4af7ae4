"""The runs of a project, from MLflow's database and from what the loop has measured since. Light: no MLflow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from mlops_lab.exporters.runs.records import DatasetRecord, RunRecord, RunsFile
from mlops_lab.project import PIPELINE_NAME, Project
from mlops_lab.registry.store.project_runs import read_curves, read_datasets, read_runs, read_versions
from mlops_lab.registry.store.records import CURVES, IMPORTED_FROM, Curve, TrackedRun
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tuning.trial_result import KIND, STUDY, TRIAL, kind_of

CHAMPION = "champion"
_Points = dict[str, list[tuple[str, float]]]


def list_runs(project: Project) -> RunsFile:
    """Every run that has ended; none where nothing was trained yet."""
    runs = [run for run in reversed(read_runs(project)) if run.is_finished and run.ended is not None]
    curves, datasets, live = read_curves(project), read_datasets(project), _read_live_curves(project)
    versions = {version.run_id: version.number for version in read_versions(project)}
    studies = {run.tags[STUDY]: run.run_id for run in runs if run.tags.get(KIND) == STUDY}
    records = [
        _describe(
            run,
            version=versions.get(run.run_id),
            studies=studies,
            datasets=[
                DatasetRecord(
                    table=snapshot.table, version=snapshot.version, rows=snapshot.rows, fingerprint=snapshot.fingerprint
                )
                for snapshot in datasets.get(run.run_id, [])
            ],
            curves={
                **{f"{CURVES}{name}": _to_points(curve) for name, curve in sorted(curves.get(run.run_id, {}).items())},
                **live.get(versions.get(run.run_id, 0), {}),
            },
        )
        for run in runs
    ]
    records.sort(key=lambda record: (record.began, record.kind != STUDY, record.name, record.id))
    records.sort(key=lambda record: record.kind != STUDY)
    return RunsFile(project=project.name, runs=records)


def _describe(
    run: TrackedRun,
    *,
    version: int | None,
    studies: Mapping[str, str],
    datasets: list[DatasetRecord],
    curves: _Points,
) -> RunRecord:
    assert run.ended is not None
    kind = kind_of(run.tags)
    return RunRecord(
        id=run.run_id,
        name=run.name,
        kind=kind,
        study=studies.get(run.tags[STUDY]) if kind == TRIAL else None,
        version=version,
        failed=run.tags.get("state") == "failed",
        began=run.began.isoformat(),
        ended=run.ended.isoformat(),
        seconds=(run.ended - run.began).total_seconds(),
        source={"file": run.tags.get(IMPORTED_FROM, PIPELINE_NAME), "commit": run.tags.get("commit", "unversioned")},
        datasets=datasets,
        parameters=dict(sorted(run.parameters.items())),
        metrics=dict(sorted(run.metrics.items())),
        tags=dict(sorted(run.tags.items())),
        curves=curves,
    )


def _read_live_curves(project: Project) -> dict[int, _Points]:
    """By version and name, the quality of its answers on each day; the name begins with the role that it had."""
    curves: defaultdict[int, _Points] = defaultdict(dict)
    lake = open_lake(project)
    if not MEASUREMENTS.exists(lake):
        return curves
    rows = MEASUREMENTS.read(lake).filter(pl.col("monitor") == "quality", pl.col("value").is_finite())
    rows = rows.with_columns(pl.col("role").fill_null(CHAMPION))
    last = rows.unique(["version", "role", "name", "at"], keep="last", maintain_order=True).sort("role", "name", "at")
    for version, role, name, at, value in last.select("version", "role", "name", "at", "value").iter_rows():
        curves[version].setdefault(f"{role}/{name}", []).append((_to_text(at), value))
    return curves


def _to_points(curve: Curve) -> list[tuple[str, float]]:
    return [(_to_text(moment), value) for moment, value in curve]


def _to_text(moment: datetime) -> str:
    return moment.isoformat()
