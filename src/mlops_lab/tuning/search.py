"""The search for better parameters: trials on folds of the training rows."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from statistics import fmean
from typing import Any

from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.baseline import fit_baseline
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.place import Place
from mlops_lab.training.training_set import TrainingSet
from mlops_lab.tuning.folds import cut_folds, fold_rows, validate
from mlops_lab.tuning.result import ParameterResult, Tuning, TuningProgress, Watch
from mlops_lab.tuning.space import Parameters, Space
from mlops_lab.tuning.study import Study
from mlops_lab.tuning.tracking import Tracker
from mlops_lab.tuning.trial_result import TrialResult

BEST_TRIALS = 5
MIN_ROWS = 50
_REFERENCE_KEY = "reference"


class Search:
    """Runs the trials of one study."""

    def __init__(
        self, pipeline: Pipeline, space: Space, study: Study, data: TrainingSet, watch: Watch, *, place: Place
    ) -> None:
        self._pipeline, self._space, self._study, self._data, self._watch = pipeline, space, study, data, watch
        self._place, self._shared = place, place.share(data)
        self._went_on = bool(study.results())
        folds = [fold for fold in cut_folds(data.moments) if fold.begin >= MIN_ROWS]
        self._folds = [fold for fold in folds if data.truth[: fold.begin].n_unique() > 1]
        if not self._folds:
            raise InvalidInput(
                f"{data.inputs.height} rows cannot be cut into earlier rows to train on and later rows to test on",
                code="too_little_data",
                where="the rows before those held out",
                hint=f"at least {MIN_ROWS} rows of two classes and of different moments must come first; add data",
            )
        self._current, self._baseline_name, self._baseline = self._measure_references()

    def run(self, project: Project, *, trials: int, seconds: float | None) -> Tuning:
        """Run trials until one of the budgets is used up."""
        tracker = Tracker(project, self._study.name, data=self._data, code=self._pipeline.fingerprint)
        end = math.inf if seconds is None else time.perf_counter() + seconds
        tracker.log_results(self._study.results())
        at_once = project.settings.training.trials_at_once
        while (missing := trials - len(self._report(trials))) > 0 and time.perf_counter() < end:
            self._run_trials(min(at_once, missing))
            tracker.log_results(self._study.results())
        tuning = self._summarize(tracker.run_id)
        best = {"best_loss": tuning.best[0].loss} if tuning.best else {}
        tracker.close({"present_loss": tuning.present.loss, "baseline_loss": tuning.baseline.loss, **best})
        return tuning

    def _measure_references(self) -> tuple[list[float], str, list[float]]:
        """The losses of the current parameters and of the baseline on each fold; computed once for each study."""
        reference = self._study.load(_REFERENCE_KEY)
        if reference is None:
            self._watch(TuningProgress("current parameters"))
            current = list(self._validate({}))
            self._watch(TuningProgress("baseline"))
            folds = [fold_rows(self._data, fold) for fold in self._folds]
            baselines = [fit_baseline(rows) for rows in folds]
            losses = [
                mean_of(rows.task.losses(rows.holdout_truth, baseline.output))
                for rows, baseline in zip(folds, baselines, strict=True)
            ]
            reference = [current, baselines[-1].name, losses]
            self._study.save(_REFERENCE_KEY, reference)
        current, name, losses = reference
        return current, name, losses

    def _validate(self, parameters: Parameters) -> Generator[float, None, None]:
        """The losses on the folds, in their order."""
        return self._place.map(validate, self._pipeline, [(self._shared, fold, parameters) for fold in self._folds])

    def _run_trials(self, count: int) -> None:
        """So many trials, from drawing their parameters, before any of them ends, to saving their results."""
        drawn = [self._draw(number) for number in range(count)]
        for trial, parameters, losses in [(*each, self._validate(each[1])) for each in drawn]:
            self._run_trial(trial, parameters, losses)

    def _draw(self, number: int) -> tuple[Any, Parameters]:
        """A trial, the so-manieth of those that are drawn together, and its parameters."""
        trial = self._study.begin_trial(ahead=number)
        try:
            return trial, self._space.suggest(trial)
        except InvalidInput:
            self._study.drop_unfinished()
            raise

    def _run_trial(self, trial: Any, parameters: Parameters, each: Generator[float, None, None]) -> None:
        """Take the losses of a trial, one after the other, until it is complete, pruned or failed."""
        began, losses, state, error = time.perf_counter(), list[float](), "finished", None
        try:
            for loss in each:
                losses.append(loss)
                if self._study.should_prune(trial, losses, current=self._current):
                    state = "pruned"
                    each.close()
        except InvalidInput as fault:
            state, error = "failed", str(fault)
            if not self._finished():  # no trial has worked yet: the fault is not that of these parameters alone
                self._study.drop_unfinished()
                raise
        seconds = time.perf_counter() - began
        self._study.end_trial(trial, TrialResult(trial.number, state, parameters, losses, seconds, error))

    def _finished(self) -> list[TrialResult]:
        """The finished trials, the best first."""
        finished = [result for result in self._study.results() if result.state == "finished"]
        return sorted(finished, key=lambda result: (result.loss, result.number))

    def _report(self, trials: int) -> Sequence[TrialResult]:
        """Report the progress; the results so far."""
        results, finished = self._study.results(), self._finished()
        best = finished[0].loss if finished else None
        stage = f"trial {len(results) + 1}" if len(results) < trials else "summary"
        self._watch(TuningProgress(stage, len(results), trials, best, fmean(self._current)))
        return results

    def _summarize(self, run_id: str) -> Tuning:
        results, finished = self._study.results(), self._finished()
        current_loss, best = fmean(self._current), finished[0] if finished else None
        names = list(best.parameters) if best else []
        current = {name: value for name, value in self._space.current.items() if name in names}
        states = [result.state for result in results]
        return Tuning(
            study=self._study.name,
            run_id=run_id,
            until=self._data.until.isoformat(),
            went_on=self._went_on,
            rows=self._data.inputs.height,
            loss_name=self._data.task.loss_name,
            trials={state: states.count(state) for state in ("finished", "pruned", "failed")},
            present=ParameterResult("present", current, current_loss, self._current),
            baseline=ParameterResult(self._baseline_name, {}, fmean(self._baseline), self._baseline),
            best=[
                ParameterResult(f"tune:{result.number}", result.parameters, result.loss, result.folds)
                for result in finished[:BEST_TRIALS]
            ],
            better_folds=sum(a < b for a, b in zip(best.folds, self._current, strict=True)) if best else 0,
            importances=self._study.importances(),
            paste=self._space.write(best.parameters) if best and best.loss < current_loss else None,
        )
