"""A registry at a real MLflow server: what is registered, fetched, refused, and said while it is away."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from answering_server import answering
from mlflow.tracking import MlflowClient
from mlflow_server import MlflowServer
from pages import free_port
from synthetic import CONFIG

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Snapshot
from mlops_lab.lineage.compare import RunIndex
from mlops_lab.loop.retrain import open_own_registry
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import PLAN_FILE, Plan, fingerprint_content, write_plan
from mlops_lab.registry.signing.keyring import read_keys, write_keys
from mlops_lab.registry.signing.sign import create_key
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.registry.store.open_registry import open_registry
from mlops_lab.registry.store.project_runs import read_curves, read_datasets, read_runs, read_versions
from mlops_lab.registry.store.records import ID_BEFORE, VersionContent
from mlops_lab.registry.store.server_store import RETRIES, without_retries
from mlops_lab.starter.dvc_repository import DvcRevision
from mlops_lab.starter.dvc_run import log_revision

NOW = datetime(2013, 3, 1, tzinfo=UTC)
PLAN = Plan(request={"price": "float"}, time="at", tables={}, features={}, categories={})
CONTENT = VersionContent(
    engine="lightgbm", model=b"the model", plan=write_plan(PLAN), agreement=b"{}", classes=[], profile=b"{}",
    lineage=b"{}", inputs=pl.DataFrame({"price": [1.5]}), requirements=[], parameters={"rate": 0.1},
    tags={"cutoff": "x"}, code={"pipeline.py": b"pass"}, snapshots=[Snapshot("orders", 3, 1795, "a" * 36)], seconds=2.5,
)  # fmt: skip
FINGERPRINT = fingerprint_content(CONTENT.model, CONTENT.plan)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def registry_of(root: Path, server: MlflowServer, name: str) -> ModelRegistry:
    return ModelRegistry(root / ".mlops/packages", name=name, server=server.url)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_machine_gets_what_was_registered(server: MlflowServer, tmp_path: Path) -> None:
    registry = registry_of(tmp_path / "first", server, "shop")
    version = registry.register(CONTENT, candidate="one", run_name="one", moment=NOW)
    curve = [(NOW, 0.4), (NOW + timedelta(days=1), 0.6)]
    registry.log_metrics(version, {"loss": 0.5}, moment=NOW, curves={"loss": curve})
    registry.set_stage("champion", 1)

    other = registry_of(tmp_path / "second", server, "shop")
    assert other.find("none") is None
    found = other.find("one")
    assert found is not None
    assert (found.number, found.run_id, found.fingerprint) == (1, version.run_id, FINGERPRINT)
    assert found.package.is_relative_to(tmp_path / "second")
    assert files_of(found.package) == files_of(version.package)
    assert {"MLmodel", "model.txt", "code/pipeline.py"} <= files_of(found.package).keys()

    (run,) = other.find_runs()
    assert (run.name, run.parameters, run.metrics, run.is_finished) == ("one", {"rate": "0.1"}, {"loss": 0.5}, True)
    assert other.curves() == {version.run_id: {"loss": curve}}
    assert other.datasets() == {version.run_id: list(CONTENT.snapshots)}
    assert int(other.client.get_model_version_by_alias("shop", "champion").version) == 1
    assert other.versions() == [found]


def test_the_store_of_the_project_counts_whatever_others_use(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, f"sqlite:///{tmp_path / 'other.db'}")
    registry_of(tmp_path, server, "own").register(CONTENT, candidate="one", run_name="one", moment=NOW)
    found = registry_of(tmp_path / "second", server, "own").find("one")
    assert found is not None
    assert found.package.is_dir()
    assert not (tmp_path / "other.db").exists()


def test_a_package_that_was_changed_at_the_server_is_refused(server: MlflowServer, tmp_path: Path) -> None:
    registry_of(tmp_path / "first", server, "changed").register(CONTENT, candidate="a", run_name="a", moment=NOW)
    (stored,) = [path for path in server.artifacts.rglob("model.txt") if _experiment(server, "changed") in path.parts]
    stored.write_bytes(b"another model")
    other = registry_of(tmp_path / "second", server, "changed")
    with pytest.raises(EnvironmentFault, match="the package that the tracking server has is not what was registered"):
        other.find("a")
    assert [path.name for path in (tmp_path / "second/.mlops/packages").iterdir()] == [".lock"]
    stored.write_bytes(CONTENT.model)
    assert other.find("a") is not None


def _experiment(server: MlflowServer, name: str) -> str:
    experiment = MlflowClient(server.url).get_experiment_by_name(name)
    assert experiment is not None
    return str(experiment.experiment_id)


def test_where_the_project_signs_a_package_without_a_signature_it_trusts_is_refused(
    server: MlflowServer, tmp_path: Path
) -> None:
    first, second = tmp_path / "first/.mlops", tmp_path / "second/.mlops"
    first.mkdir(parents=True)
    create_key(first, None, "ed25519")
    signing = registry_of(tmp_path / "first", server, "signed")
    version = signing.register(CONTENT, candidate="a", run_name="a", moment=NOW)
    second.mkdir(parents=True)
    create_key(second, None, "ed25519")
    with pytest.raises(EnvironmentFault, match="a key that this project does not trust"):
        registry_of(tmp_path / "second", server, "signed").find("a")
    write_keys(second, read_keys(first) or [])
    found = registry_of(tmp_path / "second", server, "signed").find("a")
    assert found is not None
    assert files_of(found.package) == files_of(version.package)


def test_a_new_signature_is_sent(server: MlflowServer, tmp_path: Path) -> None:
    registry = registry_of(tmp_path / "first", server, "late")
    version = registry.register(CONTENT, candidate="a", run_name="a", moment=NOW)
    (version.package / "model.sig").write_bytes(b"later")
    registry.send_signature(1, fingerprint=FINGERPRINT, package=version.package)
    found = registry_of(tmp_path / "second", server, "late").find("a")
    assert found is not None
    assert (found.package / "model.sig").read_bytes() == b"later"


def test_what_a_killed_process_left_over_goes(server: MlflowServer, tmp_path: Path) -> None:
    registry = registry_of(tmp_path, server, "killed")
    version = registry.register(CONTENT, candidate="a", run_name="a", moment=NOW)
    half = tmp_path / ".mlops/packages/.new-half"
    half.mkdir()
    (half / PLAN_FILE).write_text("{")
    shutil.rmtree(version.package)
    assert registry.find("a") == version
    assert version.package.is_dir()
    assert not half.exists()


def test_a_number_of_another_version_is_refused(server: MlflowServer, tmp_path: Path) -> None:
    registry = registry_of(tmp_path, server, "numbers")
    registry.register(CONTENT, candidate="a", run_name="a", moment=NOW)
    registry.check_has(FINGERPRINT, number=1)
    with pytest.raises(EnvironmentFault, match="version 2 of numbers is not there"):
        registry.check_has(FINGERPRINT, number=2)
    with pytest.raises(EnvironmentFault, match="version 1 of numbers is another one"):
        registry.check_has("b" * 64, number=1)


def test_a_candidate_that_was_registered_twice_is_its_first_version(server: MlflowServer, tmp_path: Path) -> None:
    """As two machines that train at once may do."""
    registry = registry_of(tmp_path, server, "twice")
    first, second = (registry.register(CONTENT, candidate="a", run_name="a", moment=NOW) for _ in range(2))
    assert (first.number, second.number) == (1, 2)
    assert registry.find("a") == first


def test_a_server_that_is_away_is_told_soon_and_asked_once(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(EnvironmentFault, match=r"does not answer: .*refused") as caught:
            ModelRegistry(tmp_path / ".mlops/packages", name="shop", server=url)
    assert (caught.value.code, caught.value.where) == ("tracking_fault", url)
    assert "mlops doctor" in str(caught.value.hint)
    assert time.monotonic() - began < 30


def test_a_server_that_falls_silent_is_told_within_the_bounds(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RETRIES, "1")
    registry = registry_of(tmp_path, server, "silent")
    gone = f"http://127.0.0.1:{free_port()}"
    registry.client = MlflowClient(gone, registry_uri=gone)
    with pytest.raises(EnvironmentFault, match="the tracking server does not answer"):
        registry.find_runs()


@pytest.mark.parametrize(
    ("status", "body", "what"),
    [
        (401, "no", r"refuses these credentials \(HTTP 401\)"),
        (403, "no", r"refuses these credentials \(HTTP 403\)"),
        (200, "2.22.0", "has MLflow 2.22.0, and the client here 3"),
        (200, "<html>", "does not tell its version as MLflow does"),
        (500, "broken", r"does not tell its version as MLflow does \(HTTP 500\)"),
        (404, "nothing", "the tracking server refused it"),
    ],
)
def test_what_answers_otherwise_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: str, what: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cr3t")
    asked: list[tuple[str, str]] = []
    with answering({"/": (status, body)}, asked) as url, pytest.raises(EnvironmentFault, match=what) as caught:
        ModelRegistry(tmp_path / ".mlops/packages", name="shop", server=url)
    assert caught.value.code == "tracking_fault"
    assert "s3cr3t" not in str(caught.value.as_dict())
    assert asked[0][1].startswith("Basic ")


def test_what_must_happen_once_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RETRIES, "5")
    with without_retries():
        assert os.environ[RETRIES] == "0"
    assert os.environ[RETRIES] == "5"
    monkeypatch.delenv(RETRIES)
    with pytest.raises(ValueError, match="x"), without_retries():
        raise ValueError("x")
    assert RETRIES not in os.environ


def test_a_package_that_the_artifact_store_lost_is_told(server: MlflowServer, tmp_path: Path) -> None:
    registry_of(tmp_path / "first", server, "lost").register(CONTENT, candidate="a", run_name="a", moment=NOW)
    shutil.rmtree(server.artifacts / _experiment(server, "lost"))
    with pytest.raises(EnvironmentFault) as caught:
        registry_of(tmp_path / "second", server, "lost").find("a")
    assert server.url in str(caught.value.where)
    assert [path.name for path in (tmp_path / "second/.mlops/packages").iterdir()] == [".lock"]


def project_of(root: Path, server: MlflowServer | None, name: str) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlops.toml").write_text(CONFIG)
    flags = [f"project.name={name}", *([f"tracking.uri={server.url}"] if server else [])]
    return load_project(root, flags=flags)


def test_a_project_that_gets_a_server_keeps_its_versions(server: MlflowServer, tmp_path: Path) -> None:
    own = open_registry(project_of(tmp_path, None, "moved"))
    first, second = (own.register(CONTENT, candidate=name, run_name=name, moment=NOW) for name in ("a", "b"))
    curve = [(NOW, 0.4), (NOW + timedelta(days=1), 0.6)]
    own.log_metrics(second, {"loss": 0.5}, moment=NOW, curves={"loss": curve})
    own.set_stage("champion", 2)
    (before,) = (run for run in own.find_runs() if run.run_id == second.run_id)

    project = project_of(tmp_path, server, "moved")
    assert (read_runs(project), read_versions(project)) == ([], []), "who reads changes nothing"
    assert MlflowClient(server.url).get_experiment_by_name("moved") is None
    for _ in range(2):  # again: nothing is there twice
        open_own_registry(project, [])  # no decision yet, as after a training that was killed
        registry = open_registry(project)
        assert [version.number for version in registry.versions()] == [1, 2]
    assert int(registry.client.get_model_version_by_alias("moved", "champion").version) == 2
    found = registry.find("b")
    assert found is not None
    assert files_of(found.package) == files_of(second.package)
    (run,) = (run for run in read_runs(project) if run.run_id == found.run_id)
    tags = {**before.tags, ID_BEFORE: before.run_id}
    assert run == replace(before, run_id=found.run_id, tags=tags)
    assert RunIndex(read_runs(project), read_versions(project)).find(before.run_id[:10]) == (run, found), "by both ids"
    assert read_curves(project)[found.run_id] == {"loss": curve}
    assert read_datasets(project)[found.run_id] == list(CONTENT.snapshots)
    assert [version.fingerprint for version in read_versions(project)] == [first.fingerprint, second.fingerprint]
    assert registry.register(CONTENT, candidate="c", run_name="c", moment=NOW).number == 3
    assert open_registry(project).find("c") is not None


def test_a_name_of_its_own_at_the_server(server: MlflowServer, tmp_path: Path) -> None:
    """Two projects with one name at one server: the second is told so, and can have another name there."""
    registry_of(tmp_path / "theirs", server, "shared").register(CONTENT, candidate="a", run_name="a", moment=NOW)
    open_own_registry(project_of(tmp_path / "theirs", server, "shared"), [])  # as after a training that was killed
    project = project_of(tmp_path / "second", server, "shared")
    with pytest.raises(EnvironmentFault, match="versions of shared already, which this project has not made") as caught:
        open_own_registry(project, [])
    assert caught.value.code == "tracking_fault"
    assert "[tracking] name" in str(caught.value.hint)

    project = load_project(project.root, flags=[*project.layers.flags, "tracking.name=shared-2"])
    open_own_registry(project, []).register(CONTENT, candidate="b", run_name="b", moment=NOW)
    assert [version.number for version in read_versions(project)] == [1]
    assert [run.name for run in read_runs(project)] == ["b"]
    assert MlflowClient(server.url).get_registered_model("shared-2").name == project.name_at_server
    assert len(registry_of(tmp_path / "theirs", server, "shared").versions()) == 1


def test_a_run_that_is_imported_is_where_the_others_are(server: MlflowServer, tmp_path: Path) -> None:
    project = project_of(tmp_path, server, "imported")
    revision = DvcRevision(Path("/churn"), "a" * 40, NOW, outputs={}, parameters={"trees": "20"}, metrics={"auc": 0.7})
    run_id = log_revision(project, revision)
    assert [(run.run_id, run.metrics) for run in read_runs(project)] == [(run_id, {"auc": 0.7})]
    assert not project.mlflow_path.exists()


def test_versions_never_take_the_numbers_of_others(server: MlflowServer, tmp_path: Path) -> None:
    registry_of(tmp_path / "theirs", server, "taken").register(
        replace(CONTENT, model=b"another"), candidate="theirs", run_name="theirs", moment=NOW
    )
    open_registry(project_of(tmp_path, None, "taken")).register(CONTENT, candidate="a", run_name="a", moment=NOW)
    with pytest.raises(EnvironmentFault, match=r"cannot take over the 1 versions in \.mlops/mlflow") as caught:
        open_registry(project_of(tmp_path, server, "taken"))
    assert caught.value.code == "tracking_fault"
