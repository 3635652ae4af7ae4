"""The model registry of a project: runs and versions, kept in MLflow."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Metric, Param, Run, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mlops_lab.clock import to_micros
from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Snapshot
from mlops_lab.registry.package import fingerprint_content
from mlops_lab.registry.signing.sign import key_for_version, sign_package
from mlops_lab.registry.store.database import make_database, place_model, update_paths
from mlops_lab.registry.store.mlmodel import write_package
from mlops_lab.registry.store.records import CURVES, Curve, RegisteredVersion, TrackedRun, VersionContent
from mlops_lab.registry.store.run_facts import EXPERIMENT_TAGS, curve_metrics, dataset_inputs, source_tags
from mlops_lab.registry.trust import home_of

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

CANDIDATE_TAG = "candidate_fingerprint"
_LARGEST_BATCH = 1000
"""So many metrics MLflow takes at once."""


def _guarded(method: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The method; faults of the disk or the database become an error with a hint."""

    @functools.wraps(method)
    def guarded(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        try:
            return method(*arguments, **named)
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            cause = _first_cause(error)
            reason = (str(cause).splitlines() or [type(cause).__name__])[0][:200]
            raise EnvironmentFault(
                f"MLflow could not store it: {reason}",
                code="mlflow_fault",
                where="the project's .mlops/mlflow",
                hint="check that the disk has space and the folder is writable, then run it again",
            ) from error

    return guarded


def _first_cause(error: BaseException) -> BaseException:
    """The error of the disk or the database, from which MLflow and SQLAlchemy made theirs."""
    cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error.__context__
    return error if cause is None else _first_cause(cause)


class ModelRegistry:
    """MLflow with SQLite and local artifacts in one folder; `mlflow ui --backend-store-uri sqlite:///…` shows it."""

    @_guarded
    def __init__(self, path: Path, *, name: str) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._name = name
        self._home = home_of(path)
        self._database = database = path / "mlflow.db"
        make_database(database)
        address = f"sqlite:///{database}"
        self._client = MlflowClient(address, registry_uri=address)  # not that of MLFLOW_REGISTRY_URI
        self._rename_before(name)
        update_paths(database, name=name, artifacts=path / "artifacts")
        experiment = self._client.get_experiment_by_name(name)
        self._experiment = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(name, artifact_location=str(path / "artifacts"), tags=EXPERIMENT_TAGS)
        )
        for key, value in EXPERIMENT_TAGS.items():
            if experiment and key not in experiment.tags:  # of an older release
                self._client.set_experiment_tag(self._experiment, key, value)
        if not self._client.search_registered_models(f"name='{name}'"):
            self._client.create_registered_model(name)

    def _rename_before(self, name: str) -> None:
        """Where the project had another name, give it to the model and its experiment: its versions go on counting."""
        models = self._client.search_registered_models()
        if not models or name in [model.name for model in models]:
            return
        old = max(models, key=lambda model: max((int(one.version) for one in model.latest_versions), default=0)).name
        self._client.rename_registered_model(old, name)
        experiment = self._client.get_experiment_by_name(old)
        if experiment and not self._client.get_experiment_by_name(name):
            self._client.rename_experiment(experiment.experiment_id, name)

    @_guarded
    def find(self, candidate: str) -> RegisteredVersion | None:
        """The version already registered for that candidate fingerprint."""
        versions = self._client.search_model_versions(f"name='{self._name}' and tags.{CANDIDATE_TAG}='{candidate}'")
        return _to_version(versions[0]) if versions else None

    @_guarded
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
        package = Path(run.info.artifact_uri) / "model"
        self._write_package(package, content, run_id)
        if key is not None and self._home is not None:
            sign_package(package, key, home=self._home)
        fingerprint = fingerprint_content(content.model, content.plan)
        version = self._client.create_model_version(
            self._name,
            source=str(package),
            run_id=run_id,
            model_id=self._log_model(run_id, package),
            tags={CANDIDATE_TAG: candidate, "fingerprint": fingerprint, **content.tags},
            await_creation_for=0,
        )
        self._client.set_terminated(run_id, end_time=milliseconds + round(content.seconds * 1000))
        return RegisteredVersion(int(version.version), run_id, package, fingerprint)

    @_guarded
    def log_metrics(
        self, version: RegisteredVersion, metrics: Mapping[str, float], *, moment: Any, curves: Mapping[str, Curve]
    ) -> None:
        """Add measurements, and curves of them, to the version's run."""
        milliseconds = to_micros(moment) // 1000
        figures = [Metric(key, value, milliseconds, 0) for key, value in metrics.items()] + curve_metrics(curves)
        for start in range(0, len(figures), _LARGEST_BATCH):
            self._client.log_batch(version.run_id, metrics=figures[start : start + _LARGEST_BATCH])

    @_guarded
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

    @_guarded
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

    @_guarded
    def find_runs(self, tags: Mapping[str, str] | None = None) -> list[TrackedRun]:
        """The runs that have these tags, the newest first."""
        wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in (tags or {}).items())
        tracked: list[TrackedRun] = []
        page = None
        while True:
            runs = self._client.search_runs(
                [self._experiment], wanted, max_results=1000, order_by=["attributes.start_time DESC"], page_token=page
            )
            tracked += [_to_tracked_run(run) for run in runs]
            page = runs.token
            if not page:
                return tracked

    @_guarded
    def versions(self) -> list[RegisteredVersion]:
        """All registered versions, by number."""
        versions = self._client.search_model_versions(f"name='{self._name}'")
        return sorted(map(_to_version, versions), key=lambda version: version.number)

    @_guarded
    def set_stage(self, alias: str, number: int) -> None:
        """Point an alias (`champion`, `challenger`) at a version: `models:/NAME@champion` then loads it."""
        self._client.set_registered_model_alias(self._name, alias, str(number))

    def _log_model(self, run_id: str, package: Path) -> str:
        """The id of the run's logged model, whose files are the package: without it MLflow lists the run among
        evaluations."""
        model = self._client.create_logged_model(self._experiment, self._name, source_run_id=run_id)
        place_model(self._database, model.model_id, package=package)
        self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return str(model.model_id)

    def _log_datasets(self, run_id: str, snapshots: Sequence[Snapshot]) -> None:
        if snapshots:
            self._client.log_inputs(run_id, dataset_inputs(snapshots))

    def _write_package(self, path: Path, content: VersionContent, run_id: str) -> None:
        write_package(path, content, run_id=run_id)


def _to_version(entity: ModelVersion) -> RegisteredVersion:
    package = Path(str(entity.source))
    return RegisteredVersion(int(entity.version), str(entity.run_id), package, entity.tags["fingerprint"])


def _to_tracked_run(run: Run) -> TrackedRun:
    return TrackedRun(
        run_id=run.info.run_id,
        name=run.info.run_name,
        parameters=dict(run.data.params),
        metrics={name: value for name, value in run.data.metrics.items() if not name.startswith(CURVES)},
        tags={name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        is_finished=run.info.status in {"FINISHED", "FAILED"},
        began=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        ended=None if run.info.end_time is None else datetime.fromtimestamp(run.info.end_time / 1000, UTC),
    )
