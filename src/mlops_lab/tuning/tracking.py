"""A study in MLflow: one run, and nested in it a run for each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlops_lab import clock
from mlops_lab.project import Project
from mlops_lab.registry.store import ModelRegistry
from mlops_lab.training.environment import code_commit
from mlops_lab.training.training_set import TrainingSet

if TYPE_CHECKING:
    from mlops_lab.tuning.study import TrialResult

STUDY, KIND, TRIAL = "study", "kind", "trial"
"""Tags: the study's name; whether a run is that of the study or of a trial; the trial's number."""


class Tracker:
    """Keeps MLflow in step with a study, also where it goes on after a kill: what is there is not logged again."""

    def __init__(self, project: Project, study: str, *, data: TrainingSet, code: str) -> None:
        self._store = ModelRegistry(project.mlflow_path, name=project.name)
        self._study = study
        self._tags = {
            "snapshots": ", ".join(str(snapshot) for snapshot in data.snapshots),
            "training_set": data.fingerprint,
            "cutoff": data.cutoff.isoformat(),
            "rows": str(data.inputs.height),
            "commit": code_commit(project.root),
            "code": code,
        }
        self.run_id = self._store.open_run(
            study, identity={STUDY: study, KIND: STUDY}, tags=self._tags, moment=clock.now()
        )
        runs = self._store.find_runs({STUDY: study, KIND: TRIAL})
        self._logged = {int(run.tags[TRIAL]) for run in runs if run.is_finished}

    def follow(self, tried: Sequence[TrialResult]) -> None:
        """Log the trials that MLflow does not know yet."""
        for one in tried:
            if one.number not in self._logged:
                self._log(one)
                self._logged.add(one.number)

    def close(self, metrics: Mapping[str, float]) -> None:
        """End the study's run, for now."""
        self._store.close_run(self.run_id, parameters={}, metrics=metrics, moment=clock.now())

    def _log(self, tried: TrialResult) -> None:
        run = self._store.open_run(
            f"tune:{tried.number}",
            identity={STUDY: self._study, KIND: TRIAL, TRIAL: str(tried.number)},
            tags={**self._tags, "state": tried.state, **({"error": tried.error} if tried.error else {})},
            moment=clock.now(),
            parent=self.run_id,
        )
        metrics = {f"fold_{number}": loss for number, loss in enumerate(tried.folds, 1)} | {"seconds": tried.seconds}
        if tried.state == "finished":
            metrics["loss"] = tried.loss
        self._store.close_run(
            run, parameters=tried.parameters, metrics=metrics, moment=clock.now(), failed=tried.state == "failed"
        )
