"""Runs and packages in a folder of the project: MLflow's own database, and files."""

from __future__ import annotations

from pathlib import Path

from mlflow.entities import LoggedModel
from mlflow.tracking import MlflowClient

from mlops_lab.registry.store.database import make_database, place_model, update_paths


class LocalStore:
    """MLflow with SQLite and local artifacts; `mlflow ui --backend-store-uri sqlite:///…` shows it."""

    def __init__(self, folder: Path, *, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = folder / "mlflow.db"
        self._artifacts = folder / "artifacts"
        make_database(self._database)
        address = f"sqlite:///{self._database}"
        self.client = MlflowClient(address, registry_uri=address)  # not that of MLFLOW_REGISTRY_URI
        self._rename_before(name)
        update_paths(self._database, name=name, artifacts=self._artifacts)

    @property
    def artifact_location(self) -> str | None:
        """Where MLflow places the files of new runs."""
        return str(self._artifacts)

    def package_of(self, run_id: str) -> Path:
        """The folder of the package that the run has made: among its artifacts."""
        return self._artifacts / run_id / "artifacts" / "model"

    def keep_package(self, model: LoggedModel, package: Path) -> str:
        """The address of a logged model, whose files are the package."""
        place_model(self._database, model.model_id, package=package)
        return str(package)

    def _rename_before(self, name: str) -> None:
        """Where the project had another name, give it to the model and its experiment: its versions go on counting."""
        models = self.client.search_registered_models()
        if not models or name in [model.name for model in models]:
            return
        old = max(models, key=lambda model: max((int(one.version) for one in model.latest_versions), default=0)).name
        self.client.rename_registered_model(old, name)
        experiment = self.client.get_experiment_by_name(old)
        if experiment and not self.client.get_experiment_by_name(name):
            self.client.rename_experiment(experiment.experiment_id, name)
