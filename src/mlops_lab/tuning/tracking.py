"""A study in MLflow: one run, and nested in it one run for each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from mlops_lab import clock
from mlops_lab.project import Project
from mlops_lab.registry.store.open_registry import open_registry
from mlops_lab.training.environment import code_commit
from mlops_lab.training.training_set import TrainingSet
from mlops_lab.tuning.trial_result import KIND, STUDY, TRIAL, TrialResult


class Tracker:
    """Logs a study in MLflow, also where it continues after a kill: runs that were logged are not logged again."""

    def __init__(self, project: Project, study: str, *, data: TrainingSet, code: str) -> None:
        self._registry = open_registry(project)
        self._study = study
        self._snapshots = data.snapshots
        self._tags = {
            "snapshots": ", ".join(str(snapshot) for snapshot in data.snapshots),
            "training_set": data.fingerprint,
            "cutoff": data.cutoff.isoformat(),
            "rows": str(data.inputs.height),
            "commit": code_commit(project.root),
            "code": code,
        }
        self.run_id = self._registry.open_run(
            study,
            identity={STUDY: study, KIND: STUDY},
            tags=self._tags,
            moment=clock.now(),
            snapshots=self._snapshots,
        )
        runs = self._registry.find_runs({STUDY: study, KIND: TRIAL})
        self._logged = {int(run.tags[TRIAL]) for run in runs if run.is_finished}

    def log_results(self, results: Sequence[TrialResult]) -> None:
        """Log the trials that MLflow does not have yet."""
        for result in results:
            if result.number not in self._logged:
                self._log(result)
                self._logged.add(result.number)

    def close(self, metrics: Mapping[str, float]) -> None:
        """End the study's run, until it is opened again."""
        self._registry.close_run(self.run_id, parameters={}, metrics=metrics, moment=clock.now())

    def _log(self, result: TrialResult) -> None:
        now = clock.now()
        run = self._registry.open_run(
            f"tune:{result.number}",
            identity={STUDY: self._study, KIND: TRIAL, TRIAL: str(result.number)},
            tags={**self._tags, "state": result.state, **({"error": result.error} if result.error else {})},
            moment=now - timedelta(seconds=result.seconds),
            parent=self.run_id,
            snapshots=self._snapshots,
        )
        metrics = {f"fold_{number}": loss for number, loss in enumerate(result.folds, 1)} | {"seconds": result.seconds}
        if result.state == "finished":
            metrics["loss"] = result.loss
        self._registry.close_run(
            run, parameters=result.parameters, metrics=metrics, moment=now, failed=result.state == "failed"
        )
