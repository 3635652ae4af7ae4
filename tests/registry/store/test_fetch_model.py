"""Models fetched from a store of MLflow, by each form of address; none of them is loaded."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.store.fetch_model import fetch_model


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A store with a run whose folder `model` is registered; its address, and the id of the run."""
    folder = tmp_path_factory.mktemp("store")
    client = MlflowClient(f"sqlite:///{folder / 'store.db'}")
    run = client.create_run(client.create_experiment("late", artifact_location=str(folder / "artifacts"))).info
    (folder / "MLmodel").write_text("flavors: {}")
    client.log_artifact(run.run_id, str(folder / "MLmodel"), "model")
    client.create_registered_model("late")
    client.create_model_version("late", f"{run.artifact_uri}/model", run_id=run.run_id)
    client.set_registered_model_alias("late", "best", "1")
    return f"sqlite:///{folder / 'store.db'}", run.run_id


@pytest.mark.parametrize("address", ["models:/late/1", "models:/late@best", "runs:/RUN/model", "RUN"])
def test_every_form_of_address(store: tuple[str, str], address: str, tmp_path: Path) -> None:
    uri, run_id = store
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    found = fetch_model(address.replace("RUN", run_id), tmp_path, tracking_uri=uri)
    assert (found / "MLmodel").read_text() == "flavors: {}"
    assert found.is_relative_to(tmp_path)
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before


@pytest.mark.parametrize("address", ["models:/later/1", "models:/late/2", f"{7:032x}"])
def test_what_the_store_does_not_have(store: tuple[str, str], address: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        fetch_model(address, tmp_path, tracking_uri=store[0])
    assert (caught.value.code, caught.value.where) == ("mlflow_fault", address)
    assert "--tracking-uri" in str(caught.value.hint)


def test_a_run_with_several_models(store: tuple[str, str], tmp_path: Path) -> None:
    from mlflow.entities import LoggedModelOutput

    client = MlflowClient(store[0])
    run = client.create_run(client.create_experiment("two", artifact_location=str(tmp_path / "two"))).info
    models = [client.create_logged_model(run.experiment_id, name, run.run_id).model_id for name in ("one", "other")]
    client.log_outputs(run.run_id, [LoggedModelOutput(model, 0) for model in models])
    with pytest.raises(InvalidInput) as caught:
        fetch_model(run.run_id, tmp_path, tracking_uri=store[0])
    assert caught.value.code == "several_models"
    assert all(f"models:/{model}" in str(caught.value.hint) for model in models)


def test_what_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        fetch_model("s3://bucket/model", tmp_path, tracking_uri=None)
    assert caught.value.code == "unknown_model"
