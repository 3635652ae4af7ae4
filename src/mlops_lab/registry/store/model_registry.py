"""The model registry of a project: runs and versions, kept in MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Experiment, LoggedModelOutput, LoggedModelStatus, Metric, Param, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from mlops_lab.clock import to_micros
from mlops_lab.lake import Snapshot
from mlops_lab.registry.package import fingerprint_content
from mlops_lab.registry.signing.bundle import SIGNATURE_FILE
from mlops_lab.registry.signing.sign import key_for_version, sign_package
from mlops_lab.registry.store.faults import guarded
from mlops_lab.registry.store.fetch_package import fetch_package
from mlops_lab.registry.store.fetched_runs import fetch_curves, search_runs, snapshots_of, to_tracked_run
from mlops_lab.registry.store.local_store import LocalStore
from mlops_lab.registry.store.mlmodel import write_package
from mlops_lab.registry.store.records import Curve, RegisteredVersion, TrackedRun, VersionContent
from mlops_lab.registry.store.run_facts import EXPERIMENT_TAGS, curve_metrics, dataset_inputs, source_tags
from mlops_lab.registry.store.server_store import ServerStore, without_retries
from mlops_lab.registry.store.tracking_faults import tracking_fault
from mlops_lab.registry.trust import home_of

CANDIDATE_TAG = "candidate_fingerprint"
_LARGEST_BATCH = 1000
"""So many metrics MLflow takes at once."""


class ModelRegistry:
    """Runs and versions of a project, and its packages, which lie below `path`: in a store of its own, or at the
    tracking server `server`. With `creates` it is made where it is not there; else it is only read."""

    @guarded
    def __init__(self, path: Path, *, name: str, server: str = "", creates: bool = True) -> None:
        self.server = server
        self.name = name
        self._home = home_of(path)
        self._store = ServerStore(path, server) if server else LocalStore(path, name=name)
        self.client: MlflowClient = self._store.client
        experiment = self.client.get_experiment_by_name(name)
        self.experiment = str(experiment.experiment_id) if experiment else ""
        if creates:
            self._create(experiment)

    def _create(self, experiment: Experiment | None) -> None:
        if experiment is None:
            self.experiment = self.client.create_experiment(
                self.name, artifact_location=self._store.artifact_location, tags=EXPERIMENT_TAGS
            )
        for key, value in EXPERIMENT_TAGS.items():
            if experiment and key not in experiment.tags:  # of an older release
                self.client.set_experiment_tag(self.experiment, key, value)
        if not self.client.search_registered_models(f"name='{self.name}'"):
            self.client.create_registered_model(self.name)

    @guarded
    def find(self, candidate: str) -> RegisteredVersion | None:
        """The version already registered for that candidate fingerprint."""
        found = self.client.search_model_versions(f"name='{self.name}' and tags.{CANDIDATE_TAG}='{candidate}'")
        version = min(map(self._to_version, found), key=lambda version: version.number, default=None)
        if version is not None and self.server and not version.package.is_dir():  # another machine has registered it
            self.fetch(version.number, fingerprint=version.fingerprint, package=version.package)
        return version

    @guarded
    def check_has(self, fingerprint: str, *, number: int) -> None:
        """EnvironmentFault where the tracking server does not have this version, or another one with its number."""
        if self.server:
            self._find_version(number, fingerprint)

    @guarded
    def fetch(self, number: int, *, fingerprint: str, package: Path) -> None:
        """Place the package of a version in the folder `package`, from the tracking server; it is checked before."""
        assert isinstance(self._store, ServerStore)
        model_id = self._find_model(number, fingerprint)
        fetch_package(self._store, model_id, package, fingerprint=fingerprint, home=self._home)

    @guarded
    def register(self, content: VersionContent, *, candidate: str, run_name: str, moment: Any) -> RegisteredVersion:
        """Track a run, write its package and sign it, register it as the next version. `moment` is the run's time."""
        key = key_for_version(self._home, is_first=False) if self._home is not None else None
        milliseconds = to_micros(moment) // 1000
        run = self.client.create_run(self.experiment, start_time=milliseconds, run_name=run_name)
        run_id = run.info.run_id
        self.client.log_batch(
            run_id,
            params=[Param(key, str(value)) for key, value in content.parameters.items()],
            tags=[*(RunTag(key, value) for key, value in content.tags.items()), *source_tags(content.tags)],
        )
        self._log_datasets(run_id, content.snapshots)
        package = self._store.package_of(run_id)
        self._write_package(package, content, run_id)
        if key is not None and self._home is not None:
            sign_package(package, key, home=self._home)
        fingerprint = fingerprint_content(content.model, content.plan)
        number = self.register_package(
            run_id, package, tags={CANDIDATE_TAG: candidate, "fingerprint": fingerprint, **content.tags}
        )
        self.client.set_terminated(run_id, end_time=milliseconds + round(content.seconds * 1000))
        return RegisteredVersion(number, run_id, package, fingerprint)

    def register_package(self, run_id: str, package: Path, *, tags: Mapping[str, str]) -> int:
        """The number of a new version, of which the run has made the package."""
        model_id, source = self._log_model(run_id, package)
        with without_retries():  # else a response that is lost would make two versions
            version = self.client.create_model_version(
                self.name, source=source, run_id=run_id, model_id=model_id, tags=dict(tags), await_creation_for=0
            )
        return int(version.version)

    @guarded
    def log_metrics(
        self, version: RegisteredVersion, metrics: Mapping[str, float], *, moment: Any, curves: Mapping[str, Curve]
    ) -> None:
        """Add measurements, and curves of them, to the version's run."""
        milliseconds = to_micros(moment) // 1000
        figures = [Metric(key, value, milliseconds, 0) for key, value in metrics.items()]
        self.log_points(version.run_id, figures + curve_metrics(curves))

    def log_points(self, run_id: str, points: Sequence[Metric]) -> None:
        """Add measurements, each with its moment, to a run."""
        for start in range(0, len(points), _LARGEST_BATCH):
            self.client.log_batch(run_id, metrics=points[start : start + _LARGEST_BATCH])

    def package_of(self, run_id: str) -> Path:
        """The folder of the package that the run has made."""
        return self._store.package_of(run_id)

    @guarded
    def open_run(
        self,
        name: str,
        *,
        identity: Mapping[str, str],
        tags: Mapping[str, str],
        moment: datetime,
        parent: str | None = None,
        snapshots: Sequence[Snapshot] = (),
    ) -> str:
        """The id of the run with the tags of `identity`, created where there is none; its status is "running" now.
        `snapshots`: the tables that it uses."""
        if runs := self.find_runs(identity):
            self.client.update_run(runs[0].run_id, status="RUNNING")
            return runs[0].run_id
        nested = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
        milliseconds = to_micros(moment) // 1000
        source = {tag.key: tag.value for tag in source_tags(tags)}
        all_tags = {**identity, **tags, **nested, **source}
        run = self.client.create_run(self.experiment, milliseconds, tags=all_tags, run_name=name)
        self._log_datasets(run.info.run_id, snapshots)
        return str(run.info.run_id)

    @guarded
    def close_run(
        self,
        run_id: str,
        *,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        moment: datetime,
        failed: bool = False,
    ) -> None:
        """Log the results of a run, and end it."""
        milliseconds = to_micros(moment) // 1000
        self.client.log_batch(
            run_id,
            metrics=[Metric(key, value, milliseconds, 0) for key, value in metrics.items()],
            params=[Param(key, str(value)) for key, value in parameters.items()],
        )
        self.client.set_terminated(run_id, "FAILED" if failed else "FINISHED", end_time=milliseconds)

    @guarded
    def find_runs(self, tags: Mapping[str, str] | None = None) -> list[TrackedRun]:
        """The runs that have these tags, the newest first."""
        return [to_tracked_run(run) for run in search_runs(self.client, self.experiment, tags or {})]

    @guarded
    def curves(self) -> dict[str, dict[str, Curve]]:
        """The curves of all runs: by run and name."""
        runs = search_runs(self.client, self.experiment, {})
        return {run.info.run_id: fetch_curves(self.client, run) for run in runs}

    @guarded
    def datasets(self) -> dict[str, list[Snapshot]]:
        """The tables that each run used, in the order of their names."""
        return {run.info.run_id: snapshots_of(run) for run in search_runs(self.client, self.experiment, {})}

    @guarded
    def versions(self) -> list[RegisteredVersion]:
        """All registered versions, by number."""
        versions = self.client.search_model_versions(f"name='{self.name}'")
        return sorted(map(self._to_version, versions), key=lambda version: version.number)

    @guarded
    def set_stage(self, alias: str, number: int) -> None:
        """Point an alias (`champion`, `challenger`) at a version: `models:/NAME@champion` then loads it."""
        self.client.set_registered_model_alias(self.name, alias, str(number))

    @guarded
    def send_signature(self, number: int, *, fingerprint: str, package: Path) -> None:
        """Replace the signature of a package at the tracking server by the one that it has here."""
        assert isinstance(self._store, ServerStore)
        self._store.send_file(self._find_model(number, fingerprint), package / SIGNATURE_FILE)

    def _find_model(self, number: int, fingerprint: str) -> str:
        """The id of the logged model of a version: a version that was searched for does not tell it."""
        run = self.client.get_run(str(self._find_version(number, fingerprint).run_id))
        assert run.outputs is not None
        return str(run.outputs.model_outputs[0].model_id)

    def _find_version(self, number: int, fingerprint: str) -> ModelVersion:
        """The version with that number, at a tracking server."""
        found = self.client.search_model_versions(f"name='{self.name}' and version_number={number}")
        if not found or found[0].tags.get("fingerprint") != fingerprint:
            what = "is another one than this project has decided about" if found else "is not there"
            raise tracking_fault(
                self.server,
                f"version {number} of {self.name} {what}",
                "name in [tracking] uri the server that has them; if the project was renamed, write its old name in "
                "[tracking] name",
            )
        return found[0]

    def _log_model(self, run_id: str, package: Path) -> tuple[str, str]:
        """The id of the run's logged model, whose files are the package, and its address: without it MLflow lists the
        run among evaluations."""
        model = self.client.create_logged_model(self.experiment, self.name, source_run_id=run_id)
        address = self._store.keep_package(model, package)
        self.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        self.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return str(model.model_id), address

    def _log_datasets(self, run_id: str, snapshots: Sequence[Snapshot]) -> None:
        if snapshots:
            self.client.log_inputs(run_id, dataset_inputs(snapshots))

    def _write_package(self, path: Path, content: VersionContent, run_id: str) -> None:
        write_package(path, content, run_id=run_id)

    def _to_version(self, entity: ModelVersion) -> RegisteredVersion:
        run_id = str(entity.run_id)
        return RegisteredVersion(
            int(entity.version), run_id, self._store.package_of(run_id), entity.tags["fingerprint"]
        )
