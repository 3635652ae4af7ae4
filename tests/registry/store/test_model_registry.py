"""The model registry in MLflow: a candidate is registered once, runs are resumed, and faults have a hint."""

import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.package import fingerprint_content, package_fingerprint
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.registry.store.records import VersionContent

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
    registry.log_metrics(first, {"loss": 0.5}, moment=NOW)
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
