"""The runs and versions of a project, wherever it keeps them: in its own store, read without MLflow, or at its tracking
server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlops_lab.lake import Snapshot
from mlops_lab.project import Project
from mlops_lab.registry.store import stored_runs
from mlops_lab.registry.store.records import Curve, RegisteredVersion, TrackedRun


class _Runs(Protocol):
    """What a tracking server knows of a project."""

    def find_runs(self) -> list[TrackedRun]: ...
    def curves(self) -> Mapping[str, Mapping[str, Curve]]: ...
    def datasets(self) -> Mapping[str, list[Snapshot]]: ...
    def versions(self) -> list[RegisteredVersion]: ...


def read_runs(project: Project) -> list[TrackedRun]:
    """All runs, the newest first; none where nothing was trained yet."""
    return _at_server(project).find_runs() if _has_server(project) else stored_runs.read_runs(project.mlflow_path)


def read_curves(project: Project) -> Mapping[str, Mapping[str, Curve]]:
    """The curves of all runs: by run and name."""
    return _at_server(project).curves() if _has_server(project) else stored_runs.read_curves(project.mlflow_path)


def read_datasets(project: Project) -> Mapping[str, list[Snapshot]]:
    """The tables that each run used, in the order of their names."""
    return _at_server(project).datasets() if _has_server(project) else stored_runs.read_datasets(project.mlflow_path)


def read_versions(project: Project) -> list[RegisteredVersion]:
    """All registered versions, by number. A package at the tracking server need not be on this machine."""
    return _at_server(project).versions() if _has_server(project) else stored_runs.read_versions(project.mlflow_path)


def _has_server(project: Project) -> bool:
    return bool(project.settings.tracking.uri)


def _at_server(project: Project) -> _Runs:
    from mlops_lab.registry.store.model_registry import ModelRegistry  # brings MLflow: 4 s that other projects save

    server = project.settings.tracking.uri
    return ModelRegistry(project.packages_path, name=project.name_at_server, server=server, creates=False)
