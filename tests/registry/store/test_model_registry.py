"""The model registry in MLflow: a candidate is registered once, runs are resumed, and faults have a hint."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from mlflow.tracking import MlflowClient

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Snapshot
from mlops_lab.registry.package import fingerprint_content, package_fingerprint
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.registry.store.records import VersionContent
from mlops_lab.registry.store.stored_runs import read_curves, read_datasets, read_runs

NOW = datetime(2013, 3, 1, tzinfo=UTC)
CONTENT = VersionContent(
    engine="lightgbm", model=b"the model", plan=b'{"engine": "lightgbm"}', agreement=b"{}", classes=[], profile=b"{}",
    lineage=b"{}", inputs=pl.DataFrame({"price": [1.5]}), requirements=[], parameters={"rate": 0.1}, tags={"cutoff": "x"},
)  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return ModelRegistry(tmp_path_factory.mktemp("mlflow"), name="tiny")


def test_versions_are_numbered_and_found_by_their_candidate(registry):
    assert registry.find("none") is None
    first, second = (
        registry.register(CONTENT, candidate=name, run_name=name, moment=NOW) for name in ("one", "another")
    )
    assert (first.number, second.number) == (1, 2)
    assert registry.find("one") == first
    assert registry.versions() == [first, second]
    assert first.fingerprint == fingerprint_content(CONTENT.model, CONTENT.plan) == package_fingerprint(first.package)
    registry.log_metrics(
        first, {"loss": 0.5}, moment=NOW, curves={"loss": [(NOW, 0.4), (NOW + timedelta(days=1), 0.6)]}
    )
    (run,) = (run for run in registry.find_runs() if run.run_id == first.run_id)
    assert run.parameters == {"rate": "0.1"}
    assert run.metrics == {"loss": 0.5}
    assert run.tags["cutoff"] == "x"
    assert run.is_finished


def test_a_run_with_the_same_identity_is_opened_again(registry):
    run_id = registry.open_run("study", identity={"study": "a"}, tags={"code": "1"}, moment=NOW)
    assert not registry.find_runs({"study": "a"})[0].is_finished
    registry.close_run(run_id, parameters={}, metrics={"loss": 0.4}, moment=NOW)
    assert registry.find_runs({"study": "a"})[0].is_finished
    assert registry.open_run("study", identity={"study": "a"}, tags={}, moment=NOW) == run_id
    assert not registry.find_runs({"study": "a"})[0].is_finished
    assert registry.open_run("study", identity={"study": "b"}, tags={}, moment=NOW, parent=run_id) != run_id


def test_what_mlflow_cannot_store_is_an_error_with_a_hint(tmp_path):
    (tmp_path / "mlflow").write_text("a file where a folder is needed")
    with pytest.raises(EnvironmentFault, match="MLflow could not store it") as caught:
        ModelRegistry(tmp_path / "mlflow", name="tiny")
    assert caught.value.code == "mlflow_fault"
    assert caught.value.hint


def test_a_project_with_another_name_goes_on_counting(tmp_path):
    before = ModelRegistry(tmp_path / "mlflow", name="shop")
    first = before.register(CONTENT, candidate="one", run_name="one", moment=NOW)
    after = ModelRegistry(tmp_path / "mlflow", name="store")
    assert after.find("one") == first
    assert after.register(CONTENT, candidate="two", run_name="two", moment=NOW + timedelta(days=1)).number == 2
    assert [run.run_id for run in after.find_runs()][-1] == first.run_id
    moved = shutil.move(tmp_path / "mlflow", tmp_path / "moved")
    assert ModelRegistry(moved, name="shop").find("two").package.is_dir()


def test_versions_are_in_the_store_of_the_project_whatever_registry_others_use(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path / 'other.db'}")
    registry = ModelRegistry(tmp_path / "mlflow", name="tiny")
    version = registry.register(CONTENT, candidate="one", run_name="one", moment=NOW)
    assert not (tmp_path / "other.db").exists()
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    assert ModelRegistry(tmp_path / "mlflow", name="tiny").versions() == [version]


def test_mlflow_shows_where_a_run_came_from(tmp_path):
    """Its pages name dataset, source and duration, draw curves, and list the run among trainings, not evaluations."""
    registry = ModelRegistry(tmp_path, name="tiny")
    orders = Snapshot("orders", 3, 1795, "a" * 64)
    content = replace(CONTENT, snapshots=[orders], seconds=2.5, tags={"commit": "c0ffee+changes"})
    version = registry.register(content, candidate="one", run_name="one", moment=NOW)
    curve = [(NOW, 0.4), (NOW + timedelta(days=1), 0.6)]
    registry.log_metrics(version, {"loss": 0.5}, moment=NOW, curves={"loss": curve})
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    run = client.get_run(version.run_id)
    assert run.info.end_time - run.info.start_time == 2500
    assert run.data.tags["mlflow.source.name"] == "pipeline.py"
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("orders", "a" * 36)
    points = client.get_metric_history(version.run_id, "holdout/loss")
    assert [(point.step, point.value) for point in points] == [(0, 0.4), (1, 0.6)]
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.status, model.artifact_location) == ("READY", str(version.package))
    assert client.get_experiment_by_name("tiny").tags["mlflow.experimentKind"] == "custom_model_development"

    (found,) = read_runs(tmp_path)
    assert found.metrics == {"loss": 0.5}
    assert found.ended - found.began == timedelta(seconds=2.5)
    assert [run.ended for run in registry.find_runs()] == [found.ended]
    assert read_curves(tmp_path) == {version.run_id: {"loss": curve}}
    assert read_datasets(tmp_path) == {version.run_id: [replace(orders, fingerprint="a" * 36)]}


def test_more_points_than_mlflow_takes_at_once(registry):
    version = registry.register(CONTENT, candidate="long", run_name="long", moment=NOW)
    curve = [(NOW + timedelta(days=day), day / 7) for day in range(1200)]
    registry.log_metrics(version, {}, moment=NOW, curves={"loss": curve})
    history = registry.client.get_metric_history(version.run_id, "holdout/loss")
    assert [point.value for point in history] == [value for _, value in curve]


def test_the_source_of_an_imported_model_is_its_address(registry):
    content = replace(CONTENT, tags={"commit": "c0ffee", "imported_from": "models:/late/3"})
    version = registry.register(content, candidate="imported", run_name="imported", moment=NOW)
    tags = registry.client.get_run(version.run_id).data.tags
    assert tags["mlflow.source.name"] == "models:/late/3"
    assert "mlflow.source.git.commit" not in tags
