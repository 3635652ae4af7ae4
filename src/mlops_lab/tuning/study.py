"""A study: all trials of a search, in SQLite, so that it continues after a kill. Only this module imports Optuna."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from mlops_lab.errors import EnvironmentFault
from mlops_lab.tuning.trial_result import TrialResult

_SEED = 2013
_MIN_FOR_IMPORTANCE = 10
_RESULT_KEY = "told"
"""The attribute of a trial that holds its result; the name is stored in studies, so it stays."""
_STATES = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Study:
    """One search: TPE (Bergstra et al. 2011), with trials pruned by the median of the others (Golovin et al. 2017).

    Every trial draws from a seed of its own, so that a study that continues after a kill draws the same parameters as
    one that was not killed.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self.name = study.study_name

    def load(self, key: str) -> Any:
        """The JSON data that was saved under the key, or None."""
        return self._study.user_attrs.get(key)

    def save(self, key: str, value: Any) -> None:
        """Keep JSON data with the study."""
        self._study.set_user_attr(key, value)

    def results(self) -> list[TrialResult]:
        """The results of all ended trials; a trial that was killed has none."""
        attributes = [trial.user_attrs.get(_RESULT_KEY) for trial in self._study.get_trials(deepcopy=False)]
        return [TrialResult(**result) for result in attributes if result is not None]

    def drop_unfinished(self) -> None:
        """Mark the trials of a killed process as failed, or as ended where their result was saved already."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            result = trial.user_attrs.get(_RESULT_KEY)
            if result is None:
                self._study.tell(trial.number, state=TrialState.FAIL)
            else:
                self._tell(TrialResult(**result))

    def begin_trial(self, *, ahead: int = 0) -> Trial:
        """The next trial, from which parameters are drawn; so many were begun before it and have not ended."""
        self._study.sampler = TPESampler(seed=_SEED + len(self.results()) + ahead)
        return self._study.ask()

    def should_prune(self, trial: Trial, losses: Sequence[float], *, current: Sequence[float]) -> bool:
        """Whether a trial with these losses on the first folds is worse than most trials were there.

        Some folds are harder than others. So what is compared is the mean loss of the current parameters on all folds,
        plus how much worse than they the trial was so far.
        """
        excess = fmean(loss - reference for loss, reference in zip(losses, current, strict=False))
        trial.report(fmean(current) + excess, step=len(losses) - 1)
        return trial.should_prune() and len(losses) < len(current)

    def end_trial(self, trial: Trial, result: TrialResult) -> None:
        """Save the result of a trial."""
        trial.set_user_attr(_RESULT_KEY, asdict(result))
        self._tell(result)

    def _tell(self, result: TrialResult) -> None:
        loss = result.loss if result.state == "finished" else None
        self._study.tell(result.number, loss, state=_STATES[result.state])

    def importances(self) -> dict[str, float]:
        """The share of each parameter in what distinguishes good trials (PED-ANOVA, Watanabe et al. 2023); empty where
        too few trials have finished."""
        finished = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(finished) < _MIN_FOR_IMPORTANCE:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dict(optuna.importance.get_param_importances(self._study))


class Studies:
    """The studies in a file, which is made where there is none."""

    def __init__(self, path: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if not path.is_file():  # it gets its name when it is complete: a kill on the way leaves none
            new = path.with_name(f"{path.name}.new")
            new.unlink(missing_ok=True)
            _open_storage(new).engine.dispose()
            new.replace(path)
        self._storage = _open_storage(path)

    def names(self) -> list[str]:
        """The names of all studies, the oldest first."""
        return [study.study_name for study in self._storage.get_all_studies()]

    def open(self, name: str) -> Study:
        """The study with that name."""
        return Study(optuna.load_study(study_name=name, storage=self._storage, pruner=_pruner()))

    def create(self, name: str) -> Study:
        """A new study."""
        study = optuna.create_study(study_name=name, storage=self._storage, pruner=_pruner(), direction="minimize")
        return Study(study)


@contextmanager
def study_faults(path: Path) -> Iterator[None]:
    """Faults of the database of studies in `path` become an error with a hint."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, optuna.exceptions.StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0][:200]
        raise EnvironmentFault(
            f"cannot be used: {reason}",
            code="study_fault",
            where=str(path),
            hint="check that the disk has space and the folder is writable; a file that is damaged can be deleted",
        ) from error


def _open_storage(path: Path) -> RDBStorage:
    return RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}})


def _pruner() -> MedianPruner:
    return MedianPruner(n_startup_trials=5, n_warmup_steps=1)
