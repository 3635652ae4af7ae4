"""Runs and versions in MLflow. The only module that imports it: 4 s, so import this one late."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves this machine
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # what fails is raised too, and told once

import polars as pl
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, Schema, TensorSpec
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mlops_lab.clock import to_micros
from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.package import AGREEMENT_FILE, LINEAGE_FILE, PLAN_FILE, PROFILE_FILE, fingerprint_content

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

CANDIDATE_TAG = "candidate_fingerprint"
_TYPES = {pl.String: "string", pl.Boolean: "boolean"}


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered version: its number, the run that made it, its package and what that hashes to."""

    number: int
    run_id: str
    package: Path
    fingerprint: str


@dataclass(frozen=True)
class VersionContent:
    """What goes into a package and into the run beside it."""

    engine: str
    model: bytes
    plan: bytes
    agreement: bytes
    classes: Sequence[str]
    profile: bytes
    lineage: bytes
    inputs: pl.DataFrame
    requirements: Sequence[str]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class TrackedRun:
    """A run as MLflow keeps it. `is_finished`: what it logs is whole."""

    run_id: str
    name: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    is_finished: bool


def _guarded(method: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The method, with what a disk or a database says told as an error with a hint."""

    @functools.wraps(method)
    def guarded(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        try:
            return method(*arguments, **named)
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            cause = _first_cause(error)
            said = (str(cause).splitlines() or [type(cause).__name__])[0][:200]
            raise EnvironmentFault(
                f"MLflow could not store it: {said}",
                code="mlflow_fault",
                where="the project's .mlops/mlflow",
                hint="check that the disk has space and the folder is writable, then run it again",
            ) from error

    return guarded


def _first_cause(error: BaseException) -> BaseException:
    """What the disk or the database said, below what MLflow and SQLAlchemy made of it."""
    below = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error.__context__
    return error if below is None else _first_cause(below)


class ModelRegistry:
    """MLflow with SQLite and local artifacts in one folder; `mlflow ui --backend-store-uri sqlite:///…` shows it."""

    @_guarded
    def __init__(self, path: Path, *, name: str) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._name = name
        database = path / "mlflow.db"
        _make_database(database)
        _follow_move(database, name=name, artifacts=path / "artifacts")
        self._client = MlflowClient(f"sqlite:///{database}")
        experiment = self._client.get_experiment_by_name(name)
        self._experiment = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment(name, artifact_location=str(path / "artifacts"))
        )
        if not self._client.search_registered_models(f"name='{name}'"):
            self._client.create_registered_model(name)

    @_guarded
    def find(self, candidate: str) -> RegisteredVersion | None:
        """The version already registered for that candidate fingerprint."""
        found = self._client.search_model_versions(f"name='{self._name}' and tags.{CANDIDATE_TAG}='{candidate}'")
        if not found:
            return None
        return _version(found[0])

    @_guarded
    def register(self, content: VersionContent, *, candidate: str, run_name: str, moment: Any) -> RegisteredVersion:
        """Track a run, write its package, register it as the next version. `moment` is the run's time."""
        milliseconds = to_micros(moment) // 1000
        run = self._client.create_run(self._experiment, start_time=milliseconds, run_name=run_name)
        run_id = run.info.run_id
        self._client.log_batch(
            run_id,
            params=[Param(key, str(value)) for key, value in content.parameters.items()],
            tags=[RunTag(key, value) for key, value in content.tags.items()],
        )
        package = Path(run.info.artifact_uri) / "model"
        self._write_package(package, content, run_id)
        fingerprint = fingerprint_content(content.model, content.plan)
        version = self._client.create_model_version(
            self._name,
            source=str(package),
            run_id=run_id,
            tags={CANDIDATE_TAG: candidate, "fingerprint": fingerprint, **content.tags},
            await_creation_for=0,
        )
        self._client.set_terminated(run_id, end_time=milliseconds)
        return RegisteredVersion(int(version.version), run_id, package, fingerprint)

    @_guarded
    def log_metrics(self, version: RegisteredVersion, metrics: Mapping[str, float], *, moment: Any) -> None:
        """Add measurements to the version's run."""
        milliseconds = to_micros(moment) // 1000
        self._client.log_batch(
            version.run_id, metrics=[Metric(key, value, milliseconds, 0) for key, value in metrics.items()]
        )

    @_guarded
    def open_run(
        self,
        name: str,
        *,
        identity: Mapping[str, str],
        tags: Mapping[str, str],
        moment: datetime,
        parent: str | None = None,
    ) -> str:
        """The id of the run with the tags of `identity`, made where there is none; it is under way from now on."""
        if found := self.find_runs(identity):
            self._client.update_run(found[0].run_id, status="RUNNING")
            return found[0].run_id
        nested = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
        milliseconds = to_micros(moment) // 1000
        every = {**identity, **tags, **nested}
        run = self._client.create_run(self._experiment, milliseconds, tags=every, run_name=name)
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
        """Log what came of a run, and end it."""
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
        found: list[TrackedRun] = []
        page = None
        while True:
            runs = self._client.search_runs(
                [self._experiment], wanted, max_results=1000, order_by=["attributes.start_time DESC"], page_token=page
            )
            found += [_tracked(run) for run in runs]
            page = runs.token
            if not page:
                return found

    @_guarded
    def versions(self) -> list[RegisteredVersion]:
        """All registered versions, in their order."""
        found = self._client.search_model_versions(f"name='{self._name}'")
        return sorted(map(_version, found), key=lambda version: version.number)

    @_guarded
    def set_stage(self, alias: str, number: int) -> None:
        """Point an alias (`champion`, `challenger`) at a version: `models:/NAME@champion` then loads it."""
        self._client.set_registered_model_alias(self._name, alias, str(number))

    def _write_package(self, path: Path, content: VersionContent, run_id: str) -> None:
        path.mkdir(parents=True)
        model_name = model_file(content.engine)
        files = {model_name: content.model, PLAN_FILE: content.plan, PROFILE_FILE: content.profile}
        files |= {
            AGREEMENT_FILE: content.agreement,
            LINEAGE_FILE: content.lineage,
            "requirements.txt": "\n".join(content.requirements).encode(),
        }
        for name, data in files.items():
            (path / name).write_bytes(data)
        model = Model(run_id=run_id, artifact_path="model", signature=signature(content.inputs, content.classes))
        model.add_flavor("python_function", loader_module="mlops_lab.registry.pyfunc", env="requirements.txt")
        if ENGINES[content.engine].reads_lightgbm_text:
            model.add_flavor("lightgbm", data=model_name, model_class="lightgbm.basic.Booster", code=None)
        elif content.engine == "onnx":
            version = importlib.metadata.version("onnx")
            model.add_flavor(
                "onnx", data=model_name, onnx_version=version, providers=["CPUExecutionProvider"], code=None
            )
        model.save(str(path / "MLmodel"))


def _version(found: ModelVersion) -> RegisteredVersion:
    return RegisteredVersion(int(found.version), str(found.run_id), Path(str(found.source)), found.tags["fingerprint"])


def _tracked(run: Run) -> TrackedRun:
    return TrackedRun(
        run_id=run.info.run_id,
        name=run.info.run_name,
        parameters=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags={name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        is_finished=run.info.status in {"FINISHED", "FAILED"},
    )


def _make_database(database: Path) -> None:
    """Make the database where there is none: its tables take seconds, and half of them would be of no use to anybody,
    so a kill or a full disk on the way leaves none."""
    if database.is_file():
        return
    for left in database.parent.glob(f"{database.name}.new*"):
        left.unlink()
    fresh = database.with_name(f"{database.name}.new")
    MlflowClient(f"sqlite:///{fresh}").search_experiments(max_results=1)
    fresh.replace(database)


def _follow_move(database: Path, *, name: str, artifacts: Path) -> None:
    """Name the artifacts where they are now: MLflow keeps their full paths, also when a project is moved or copied."""
    with closing(sqlite3.connect(database)) as connection, connection:
        found = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", [name]).fetchone()
        if found is None or found[0] == str(artifacts):
            return
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("model_versions", "source"),
            ("model_versions", "storage_location"),
        ):
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                [str(artifacts), len(found[0]) + 1, len(found[0]), found[0]],
            )


def signature(inputs: pl.DataFrame, classes: Sequence[str]) -> ModelSignature:
    """MLflow's signature of a frame of model inputs: text stays text, every number is a double, all may be missing.

    One output, or one for each class.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES.get(type(dtype), "double"), name, required=False) for name, dtype in inputs.schema.items()
    ]
    outputs: list[ColSpec | TensorSpec] = [ColSpec("double", name) for name in classes or ["output"]]
    return ModelSignature(Schema(columns), Schema(outputs))
