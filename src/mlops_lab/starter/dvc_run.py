"""A revision of a DVC repository as a run of the project: `mlops compare` and the page show it beside our trainings."""

from __future__ import annotations

from mlops_lab.project import Project
from mlops_lab.registry.store.open_registry import open_registry
from mlops_lab.registry.store.records import IMPORTED_FROM
from mlops_lab.starter.dvc_repository import DvcRevision
from mlops_lab.tuning.trial_result import DVC, KIND


def log_revision(project: Project, revision: DvcRevision) -> str:
    """The id of the run with the parameters and metrics of the revision; it is logged once."""
    registry = open_registry(project)
    identity, tags = {KIND: DVC, "commit": revision.commit}, {IMPORTED_FROM: str(revision.repository)}
    if runs := [run for run in registry.find_runs(identity) if run.is_finished]:
        return runs[0].run_id
    run = registry.open_run(f"dvc {revision.commit[:7]}", identity=identity, tags=tags, moment=revision.moment)
    registry.close_run(run, parameters=revision.parameters, metrics=revision.metrics, moment=revision.moment)
    return run
