"""Search for better parameters on the rows that a candidate learns from; those held out for the gates stay unseen."""

from __future__ import annotations

import fcntl
import importlib.util
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput
from mlops_lab.files import disk_fault
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.sources import LOAD_LEAD, load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.baseline import fit_baseline
from mlops_lab.training.pipeline import Pipeline, load_pipeline
from mlops_lab.training.training_set import TrainingSet, build_training_set
from mlops_lab.tuning.folds import cut_folds, part, validate
from mlops_lab.tuning.space import Space, find_space

if TYPE_CHECKING:
    from mlops_lab.tuning.study import Studies, Study, TrialResult

BEST = 5
MIN_ROWS = 50
_MADE, _REFERENCE = "made", "reference"


@dataclass(frozen=True)
class TuningProgress:
    """How far a search has come: what runs, how many trials have ended, the best loss and that of the present."""

    stage: str
    done: int = 0
    total: int = 0
    best: float | None = None
    present: float | None = None


@dataclass(frozen=True)
class ParameterResult:
    """Parameters and what they cost: on average, and on each fold."""

    name: str
    parameters: dict[str, Any]
    loss: float
    folds: list[float]


@dataclass(frozen=True)
class Tuning:
    """What a search found. `best` holds finished trials, the best first; `better_folds` is on how many folds the very
    best beats the present parameters; `paste` is None where it beats them not. `trials` counts by how they ended."""

    study: str
    run_id: str
    until: str
    went_on: bool
    rows: int
    loss_name: str
    trials: dict[str, int]
    present: ParameterResult
    baseline: ParameterResult
    best: list[ParameterResult]
    better_folds: int
    importances: dict[str, float]
    paste: str | None


Watch = Callable[[TuningProgress], None]


def tune(project: Project, *, trials: int, seconds: float | None, fresh: bool, watch: Watch) -> Tuning:
    """Go on with the project's newest study until it has so many trials, or for so many seconds.

    A new one is begun where `fresh`, and where the code or the data of the newest are no longer the same. What becomes
    known meanwhile changes nothing: a study keeps the moment at which it began. Nothing of the project is changed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise EnvironmentFault(
            "tuning needs Optuna, which is not installed",
            code="no_optuna",
            hint='pip install "mlops-lab[tune]"',
        )
    from mlops_lab.tuning.study import Studies, told_faults

    pipeline = load_pipeline(project)
    space = find_space(pipeline)
    path = project.home / "tune.db"
    with _alone(project), told_faults(path):
        watch(TuningProgress("training set"))
        study, data = _take_up(project, pipeline, Studies(path), fresh=fresh)
        search = _Search(pipeline, space, study, data, watch)
        return search.run(project, trials=trials, seconds=seconds)


def _take_up(project: Project, pipeline: Pipeline, studies: Studies, *, fresh: bool) -> tuple[Study, TrainingSet]:
    """The newest study, if it can be gone on with, or a new one; and what it learns from."""
    lake = Lake(project.lake_path)
    now = _bring_data(project, lake)
    names = studies.names()
    if names and not fresh:
        study = studies.open(names[-1])
        made = study.recall(_MADE)
        if made is not None and made["code"] == pipeline.fingerprint:
            until = datetime.fromisoformat(made["until"])
            data = build_training_set(project, pipeline.features, lake=lake, until=until)
            if data.fingerprint == made["training_set"]:
                study.drop_unfinished()
                return study, data
    data = build_training_set(project, pipeline.features, lake=lake, until=now)
    study = studies.create(f"{project.name}-tune-{len(names) + 1}")
    made = {"code": pipeline.fingerprint, "until": now.isoformat(), "training_set": data.fingerprint}
    study.remember(_MADE, made)
    return study, data


def _bring_data(project: Project, lake: Lake) -> datetime:
    """What "now" is; the data files are in the lake then, where nothing was before."""
    now = current_moment(project, lake)
    if not lake.exists(project.settings.source.table):
        load_sources(project, lake, now=now, received_at=now + LOAD_LEAD)
    ingest_journal(project, lake)
    return now


class _Search:
    """One study at work."""

    def __init__(self, pipeline: Pipeline, space: Space, study: Study, data: TrainingSet, watch: Watch) -> None:
        self._pipeline, self._space, self._study, self._data, self._watch = pipeline, space, study, data, watch
        self._went_on = bool(study.tried())
        folds = [part(data, fold) for fold in cut_folds(data.moments) if fold.begin >= MIN_ROWS]
        self._folds = [rows for rows in folds if rows.truth.n_unique() > 1]
        if not self._folds:
            raise InvalidInput(
                f"{data.inputs.height} rows cannot be parted into what is learned from and what is later",
                code="too_little_data",
                where="the rows before those held out",
                hint=f"at least {MIN_ROWS} rows of two classes and of different moments must come first; add data",
            )
        self._present, self._baseline_name, self._baseline = self._refer()

    def run(self, project: Project, *, trials: int, seconds: float | None) -> Tuning:
        """Try until one of the budgets is used up."""
        from mlops_lab.tuning.tracking import Tracker  # brings MLflow: 4 s

        tracker = Tracker(project, self._study.name, data=self._data, code=self._pipeline.fingerprint)
        end = math.inf if seconds is None else time.perf_counter() + seconds
        tracker.follow(self._study.tried())
        while len(self._tell(trials)) < trials and time.perf_counter() < end:
            self._try()
            tracker.follow(self._study.tried())
        found = self._sum_up(tracker.run_id)
        best = {"best_loss": found.best[0].loss} if found.best else {}
        tracker.close({"present_loss": found.present.loss, "baseline_loss": found.baseline.loss, **best})
        return found

    def _refer(self) -> tuple[list[float], str, list[float]]:
        """What the present parameters and a linear model cost on each fold; computed once a study."""
        known = self._study.recall(_REFERENCE)
        if known is None:
            self._watch(TuningProgress("present parameters"))
            present = [validate(self._pipeline, self._space.make({}), rows) for rows in self._folds]
            self._watch(TuningProgress("baseline"))
            baselines = [fit_baseline(rows) for rows in self._folds]
            losses = [
                mean_of(rows.task.losses(rows.holdout_truth, one.output))
                for rows, one in zip(self._folds, baselines, strict=True)
            ]
            known = [present, baselines[-1].name, losses]
            self._study.remember(_REFERENCE, known)
        present, name, losses = known
        return present, name, losses

    def _try(self) -> None:
        """One trial, from its parameters to what became of it."""
        from mlops_lab.tuning.study import TrialResult

        trial = self._study.begin()
        try:
            parameters = self._space.suggest(trial)
        except InvalidInput:
            self._study.drop_unfinished()
            raise
        began, losses, state, error = time.perf_counter(), list[float](), "finished", None
        try:
            for rows in self._folds:
                losses.append(validate(self._pipeline, self._space.make(parameters), rows))
                if self._study.is_hopeless(trial, losses, present=self._present):
                    state = "pruned"
                    break
        except InvalidInput as fault:
            state, error = "failed", str(fault)
            if not self._finished():  # it is not one unlucky draw
                self._study.drop_unfinished()
                raise
        seconds = time.perf_counter() - began
        self._study.end(trial, TrialResult(trial.number, state, parameters, losses, seconds, error))

    def _finished(self) -> list[TrialResult]:
        """The trials that came to their end, the best first."""
        finished = [one for one in self._study.tried() if one.state == "finished"]
        return sorted(finished, key=lambda one: (one.loss, one.number))

    def _tell(self, trials: int) -> Sequence[TrialResult]:
        tried, finished = self._study.tried(), self._finished()
        best = finished[0].loss if finished else None
        stage = f"trial {len(tried) + 1}" if len(tried) < trials else "summing up"
        self._watch(TuningProgress(stage, len(tried), trials, best, fmean(self._present)))
        return tried

    def _sum_up(self, run_id: str) -> Tuning:
        tried, finished = self._study.tried(), self._finished()
        present, best = fmean(self._present), finished[0] if finished else None
        names = list(best.parameters) if best else []
        now = {name: value for name, value in self._space.present.items() if name in names}
        return Tuning(
            study=self._study.name,
            run_id=run_id,
            until=self._data.until.isoformat(),
            went_on=self._went_on,
            rows=self._data.inputs.height,
            loss_name=self._data.task.loss_name,
            trials={state: sum(one.state == state for one in tried) for state in ("finished", "pruned", "failed")},
            present=ParameterResult("present", now, present, self._present),
            baseline=ParameterResult(self._baseline_name, {}, fmean(self._baseline), self._baseline),
            best=[
                ParameterResult(f"tune:{one.number}", one.parameters, one.loss, one.folds) for one in finished[:BEST]
            ],
            better_folds=sum(a < b for a, b in zip(best.folds, self._present, strict=True)) if best else 0,
            importances=self._study.importances(),
            paste=self._space.write(best.parameters) if best and best.loss < present else None,
        )


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    """One search at a time: what is under way in the file is then left over from a killed one."""
    try:
        project.home.mkdir(exist_ok=True)
        lock = (project.home / "tune.lock").open("w")
    except OSError as error:
        raise disk_fault(error, project.home) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "another `mlops tune` is at work in this project",
                code="tuning_under_way",
                where=lock.name,
                hint="wait for it, or end it: what it has finished is kept",
            ) from None
        yield
