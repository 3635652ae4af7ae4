"""A study: everything that tuning has tried, in SQLite, so that it goes on after a kill. The module that has Optuna."""

from __future__ import annotations

import math
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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

_SEED = 2013
_MIN_FOR_IMPORTANCE = 10
_TOLD = "told"
_STATES = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclass(frozen=True)
class TrialResult:
    """One trial: its parameters, and its loss on each fold that it came to.

    `state`: "finished", "pruned" (stopped on the way, worse than most), "failed" (for what `error` says).
    """

    number: int
    state: str
    parameters: dict[str, Any]
    folds: list[float]
    seconds: float
    error: str | None = None

    @property
    def loss(self) -> float:
        """The mean over the folds it came to; NaN where it came to none."""
        return fmean(self.folds) if self.folds else math.nan


class Study:
    """One search: TPE (Bergstra et al. 2011), stopped early by the median of the others (Golovin et al. 2017).

    Every trial draws from a seed of its own, so that a study that goes on after a kill tries what it would have tried.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self.name = study.study_name

    def recall(self, key: str) -> Any:
        """What was remembered under the key, or None."""
        return self._study.user_attrs.get(key)

    def remember(self, key: str, value: Any) -> None:
        """Keep JSON data with the study."""
        self._study.set_user_attr(key, value)

    def tried(self) -> list[TrialResult]:
        """All trials that came to an end by themselves: those that were killed have none."""
        told = [trial.user_attrs.get(_TOLD) for trial in self._study.get_trials(deepcopy=False)]
        return [TrialResult(**trial) for trial in told if trial is not None]

    def drop_unfinished(self) -> None:
        """Mark what a killed process left behind as failed, but for what it had found out already."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            told = trial.user_attrs.get(_TOLD)
            if told is None:
                self._study.tell(trial.number, state=TrialState.FAIL)
            else:
                self._tell(TrialResult(**told))

    def begin(self) -> Trial:
        """The next trial, from which parameters are drawn."""
        self._study.sampler = TPESampler(seed=_SEED + len(self.tried()))
        return self._study.ask()

    def is_hopeless(self, trial: Trial, losses: Sequence[float], *, present: Sequence[float]) -> bool:
        """Whether a trial with these losses on the first folds is worse than most were there.

        Folds differ in how hard they are: what is compared is the loss of the present parameters on all folds, and how
        much more the trial cost than they did so far.
        """
        excess = fmean(loss - here for loss, here in zip(losses, present, strict=False))
        trial.report(fmean(present) + excess, step=len(losses) - 1)
        return trial.should_prune() and len(losses) < len(present)

    def end(self, trial: Trial, tried: TrialResult) -> None:
        """Write down how a trial ended."""
        trial.set_user_attr(_TOLD, asdict(tried))
        self._tell(tried)

    def _tell(self, tried: TrialResult) -> None:
        loss = tried.loss if tried.state == "finished" else None
        self._study.tell(tried.number, loss, state=_STATES[tried.state])

    def importances(self) -> dict[str, float]:
        """The share of each parameter in what made good trials good (PED-ANOVA, Watanabe et al. 2023); none where too
        few finished to say."""
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
        if not path.is_file():  # what is killed while its tables are made leaves none
            fresh = path.with_name(f"{path.name}.new")
            fresh.unlink(missing_ok=True)
            _open(fresh).engine.dispose()
            fresh.replace(path)
        self._storage = _open(path)

    def names(self) -> list[str]:
        """The names of all, oldest first."""
        return [study.study_name for study in self._storage.get_all_studies()]

    def open(self, name: str) -> Study:
        """A study by its name."""
        return Study(optuna.load_study(study_name=name, storage=self._storage, pruner=_pruner()))

    def create(self, name: str) -> Study:
        """A new one."""
        study = optuna.create_study(study_name=name, storage=self._storage, pruner=_pruner(), direction="minimize")
        return Study(study)


@contextmanager
def told_faults(path: Path) -> Iterator[None]:
    """What the database of the studies in `path` says is told as an error with a hint."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, optuna.exceptions.StorageInternalError) as error:
        said = str(error.__cause__ or error).splitlines()[0][:200]
        raise EnvironmentFault(
            f"cannot be used: {said}",
            code="study_fault",
            where=str(path),
            hint="check that the disk has space and the folder is writable; a file that is damaged can be deleted",
        ) from error


def _open(path: Path) -> RDBStorage:
    return RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}})


def _pruner() -> MedianPruner:
    return MedianPruner(n_startup_trials=5, n_warmup_steps=1)
