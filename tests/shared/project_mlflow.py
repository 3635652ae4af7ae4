"""MLflow's own view of a project, wherever the project keeps its runs and versions."""

from __future__ import annotations

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from mlops_lab.project import Project
from mlops_lab.registry.store.model_registry import ModelRegistry


def mlflow_of(project: Project) -> tuple[MlflowClient, str]:
    """MLflow's own client of the project's store, and the name of the registered model and its experiment there."""
    if server := project.settings.tracking.uri:
        registry = ModelRegistry(project.packages_path, name=project.name_at_server, server=server, creates=False)
        return registry.client, registry.name
    address = f"sqlite:///{project.mlflow_path / 'mlflow.db'}"
    return MlflowClient(address, registry_uri=address), project.name


def mlflow_runs(project: Project) -> list[Run]:
    """All runs of the project."""
    client, name = mlflow_of(project)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))
