"""The model registry of a project: runs and versions, kept in MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Metric, Param, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from mlops_lab.clock import to_micros
from mlops_lab.lake import Snapshot
from mlops_lab.project import Project
from mlops_lab.registry.package import fingerprint_content
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


def open_registry(project: Project) -> ModelRegistry:
    """The registry that the project uses: at its tracking server, or in its own folder."""
    server = project.settings.tracking.uri
    return ModelRegistry(project.packages_path if server else project.mlflow_path, name=project.name, server=server)


class ModelRegistry:
    """Runs and versions of a project, and its packages, which lie below `path`: in a store of its own, or at the
    tracking server `server`."""

    @guarded
    def __init__(self, path: Path, *, name: str, server: str = "") -> None:
        self.server = server
        self._name = name
        self._home = home_of(path)
        self._store = ServerStore(path, server) if server else LocalStore(path, name=name)
        self._client: MlflowClient = self._store.client
        experiment = self._client.get_experiment_by_name(name)
        self._experiment = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(
                name, artifact_location=self._store.artifact_location, tags=EXPERIMENT_TAGS
            )
        )
        for key, value in EXPERIMENT_TAGS.items():
            if experiment and key not in experiment.tags:  # of an older release
                self._client.set_experiment_tag(self._experiment, key, value)
        if not self._client.search_registered_models(f"name='{name}'"):
            self._client.create_registered_model(name)

    @guarded
    def find(self, candidate: str) -> RegisteredVersion | None:
        """The version already registered for that candidate fingerprint."""
        found = self._client.search_model_versions(f"name='{self._name}' and tags.{CANDIDATE_TAG}='{candidate}'")
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
        run = self._client.get_run(str(self._find_version(number, fingerprint).run_id))
        assert run.outputs is not None
        (model,) = run.outputs.model_outputs  # a version that was searched for does not tell it
        fetch_package(self._store, model.model_id, package, fingerprint=fingerprint, home=self._home)

    @guarded
    def register(self, content: VersionContent, *, candidate: str, run_name: str, moment: Any) -> RegisteredVersion:
        """Track a run, write its package and sign it, register it as the next version. `moment` is the run's time."""
        key = key_for_version(self._home, is_first=False) if self._home is not None else None
        milliseconds = to_micros(moment) // 1000
        run = self._client.create_run(self._experiment, start_time=milliseconds, run_name=run_name)
        run_id = run.info.run_id
        self._client.log_batch(
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
        model_id, source = self._log_model(run_id, package)
        with without_retries():  # else a response that is lost would make two versions
            version = self._client.create_model_version(
                self._name,
                source=source,
                run_id=run_id,
                model_id=model_id,
                tags={CANDIDATE_TAG: candidate, "fingerprint": fingerprint, **content.tags},
                await_creation_for=0,
            )
        self._client.set_terminated(run_id, end_time=milliseconds + round(content.seconds * 1000))
        return RegisteredVersion(int(version.version), run_id, package, fingerprint)

    @guarded
    def log_metrics(
        self, version: RegisteredVersion, metrics: Mapping[str, float], *, moment: Any, curves: Mapping[str, Curve]
    ) -> None:
        """Add measurements, and curves of them, to the version's run."""
        milliseconds = to_micros(moment) // 1000
        figures = [Metric(key, value, milliseconds, 0) for key, value in metrics.items()] + curve_metrics(curves)
        for start in range(0, len(figures), _LARGEST_BATCH):
            self._client.log_batch(version.run_id, metrics=figures[start : start + _LARGEST_BATCH])

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
            self._client.update_run(runs[0].run_id, status="RUNNING")
            return runs[0].run_id
        nested = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
        milliseconds = to_micros(moment) // 1000
        source = {tag.key: tag.value for tag in source_tags(tags)}
        all_tags = {**identity, **tags, **nested, **source}
        run = self._client.create_run(self._experiment, milliseconds, tags=all_tags, run_name=name)
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
        self._client.log_batch(
            run_id,
            metrics=[Metric(key, value, milliseconds, 0) for key, value in metrics.items()],
            params=[Param(key, str(value)) for key, value in parameters.items()],
        )
        self._client.set_terminated(run_id, "FAILED" if failed else "FINISHED", end_time=milliseconds)

    @guarded
    def find_runs(self, tags: Mapping[str, str] | None = None) -> list[TrackedRun]:
        """The runs that have these tags, the newest first."""
        return [to_tracked_run(run) for run in search_runs(self._client, self._experiment, tags or {})]

    @guarded
    def curves(self) -> dict[str, dict[str, Curve]]:
        """The curves of all runs: by run and name."""
        runs = search_runs(self._client, self._experiment, {})
        return {run.info.run_id: fetch_curves(self._client, run) for run in runs}

    @guarded
    def datasets(self) -> dict[str, list[Snapshot]]:
        """The tables that each run used, in the order of their names."""
        return {run.info.run_id: snapshots_of(run) for run in search_runs(self._client, self._experiment, {})}

    @guarded
    def versions(self) -> list[RegisteredVersion]:
        """All registered versions, by number."""
        versions = self._client.search_model_versions(f"name='{self._name}'")
        return sorted(map(self._to_version, versions), key=lambda version: version.number)

    @guarded
    def set_stage(self, alias: str, number: int) -> None:
        """Point an alias (`champion`, `challenger`) at a version: `models:/NAME@champion` then loads it."""
        self._client.set_registered_model_alias(self._name, alias, str(number))

    def _find_version(self, number: int, fingerprint: str) -> ModelVersion:
        """The version with that number, at a tracking server."""
        found = self._client.search_model_versions(f"name='{self._name}' and version_number={number}")
        if not found or found[0].tags.get("fingerprint") != fingerprint:
            what = "is another one than this project has decided about" if found else "is not there"
            raise tracking_fault(
                self.server,
                f"version {number} of {self._name} {what}",
                "name in [tracking] uri the server at which the project's versions were registered",
            )
        return found[0]

    def _log_model(self, run_id: str, package: Path) -> tuple[str, str]:
        """The id of the run's logged model, whose files are the package, and its address: without it MLflow lists the
        run among evaluations."""
        model = self._client.create_logged_model(self._experiment, self._name, source_run_id=run_id)
        address = self._store.keep_package(model, package)
        self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return str(model.model_id), address

    def _log_datasets(self, run_id: str, snapshots: Sequence[Snapshot]) -> None:
        if snapshots:
            self._client.log_inputs(run_id, dataset_inputs(snapshots))

    def _write_package(self, path: Path, content: VersionContent, run_id: str) -> None:
        write_package(path, content, run_id=run_id)

    def _to_version(self, entity: ModelVersion) -> RegisteredVersion:
        run_id = str(entity.run_id)
        return RegisteredVersion(
            int(entity.version), run_id, self._store.package_of(run_id), entity.tags["fingerprint"]
        )
