"""The registry of a project. Where it gets a tracking server, its versions are registered there, with their numbers."""

from __future__ import annotations

from mlflow.entities import Param, RunTag

from mlops_lab.files import locked
from mlops_lab.project import Project
from mlops_lab.registry.store.faults import guarded
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.registry.store.records import ID_BEFORE
from mlops_lab.registry.store.stored_runs import read_versions
from mlops_lab.registry.store.tracking_faults import tracking_fault

_ALIASES = ("champion", "candidate")


def open_registry(project: Project) -> ModelRegistry:
    """The registry that the project uses: at its tracking server, or in its own folder.

    Versions that are only in the folder are registered at the server first. EnvironmentFault where that is not possible
    with their numbers.
    """
    server = project.settings.tracking.uri
    if not server:
        return ModelRegistry(project.mlflow_path, name=project.name)
    registry = ModelRegistry(project.packages_path, name=project.name_at_server, server=server)
    if read_versions(project.mlflow_path):
        project.packages_path.mkdir(parents=True, exist_ok=True)
        with locked(project.packages_path / ".lock"):
            _move_versions(registry, project)
    return registry


def check_free(registry: ModelRegistry, project: Project) -> None:
    """EnvironmentFault where the tracking server has versions that were not made here, before the first decision about
    one: another project with the same name has made them, or an earlier life of this one."""
    moved = {version.fingerprint for version in read_versions(project.mlflow_path)}
    versions = registry.versions() if registry.server else []
    if any(version.fingerprint not in moved and not version.package.is_dir() for version in versions):
        raise tracking_fault(
            registry.server,
            f"it has versions of {registry.name} already, which this project has not made",
            "give the project a name of its own there with [tracking] name; or delete that registered model, if nobody "
            "needs it",
        )


@guarded
def _move_versions(registry: ModelRegistry, project: Project) -> None:
    own = read_versions(project.mlflow_path)
    there = {version.number: version.fingerprint for version in registry.versions()}
    last = max(there, default=0)
    missing = [version.number for version in own if version.number > last]
    is_other = any(there.get(version.number, version.fingerprint) != version.fingerprint for version in own)
    if is_other or missing != [*range(last + 1, last + 1 + len(missing))]:
        raise tracking_fault(
            registry.server,
            f"it cannot take over the {len(own)} versions in .mlops/mlflow with their numbers: it has {len(there)} of "
            f"{registry.name} already",
            "give the project a name of its own there with [tracking] name, or name another server in [tracking] uri",
        )
    if missing:
        source = ModelRegistry(project.mlflow_path, name=project.name)
        for number in missing:
            _copy_version(source, registry, number)
        aliases = source.client.get_registered_model(source.name).aliases
        for alias in _ALIASES:
            if alias in aliases:
                registry.set_stage(alias, int(aliases[alias]))


def _copy_version(source: ModelRegistry, target: ModelRegistry, number: int) -> None:
    """Register a version again, with all that was logged of its run. The package stays where it is."""
    version = source.client.get_model_version(source.name, str(number))
    run = source.client.get_run(str(version.run_id))
    copy = target.client.create_run(target.experiment, start_time=run.info.start_time, run_name=run.info.run_name)
    run_id = copy.info.run_id
    target.client.log_batch(
        run_id,
        params=[Param(name, value) for name, value in run.data.params.items()],
        tags=[RunTag(name, value) for name, value in {ID_BEFORE: run.info.run_id, **run.data.tags}.items()],
    )
    points = [point for name in run.data.metrics for point in source.client.get_metric_history(run.info.run_id, name)]
    target.log_points(run_id, points)
    if run.inputs and run.inputs.dataset_inputs:
        target.client.log_inputs(run_id, run.inputs.dataset_inputs)
    target.register_package(run_id, source.package_of(run.info.run_id), tags=version.tags)
    target.client.set_terminated(run_id, end_time=run.info.end_time)
