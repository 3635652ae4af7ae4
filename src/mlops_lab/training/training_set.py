"""The training set: labels, and features as of each row's own time; with a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from mlops_lab.clock import day_of, days_after, days_before
from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake, Snapshot, fingerprint_frame
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.fields import table_fields
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.regression import scale_of
from mlops_lab.training.checks import check_features, check_inputs, not_computed_error
from mlops_lab.training.history import open_history, requests_of
from mlops_lab.training.memory_need import check_memory
from mlops_lab.training.row_sample import sample_rows

MIN_ROWS = 100


@dataclass(frozen=True)
class TrainingSet:
    """Rows to train on, and later rows that are held out to test the candidate; or all rows, and none held out.

    `inputs` and `holdout_inputs` hold the model inputs, and `truth` the label as `task` encodes it; `moments` is when
    each training row was requested, in order; `holdout` has all columns of the held-out rows. `fingerprint` covers the
    inputs, labels and weights of the training rows. `known_at` is when the label of each training row became known
    (None: when it was requested). `sampled_from`: of how many rows the training rows are a sample (None: of no more).
    """

    task: Task
    inputs: pl.DataFrame
    truth: pl.Series
    weights: pl.Series | None
    moments: pl.Series
    holdout: pl.DataFrame
    holdout_inputs: pl.DataFrame
    holdout_truth: pl.Series
    cutoff: datetime
    until: datetime
    snapshots: tuple[Snapshot, ...]
    fingerprint: str
    holdout_weights: pl.Series | None = None
    known_at: pl.Series | None = None
    sampled_from: int | None = None

    def with_all_rows(self, *, time: str) -> TrainingSet:
        """The same with nothing held out; `time` is the column of the moments."""
        inputs, truth = pl.concat([self.inputs, self.holdout_inputs]), pl.concat([self.truth, self.holdout_truth])
        weights = None if self.weights is None else pl.concat([self.weights, *_given(self.holdout_weights)])
        return replace(
            self,
            inputs=inputs,
            truth=truth,
            weights=weights,
            moments=pl.concat([self.moments, self.holdout[time]]),
            known_at=None,
            holdout=self.holdout.clear(),
            holdout_inputs=self.holdout_inputs.clear(),
            holdout_truth=self.holdout_truth.clear(),
            holdout_weights=None if self.holdout_weights is None else self.holdout_weights.clear(),
            cutoff=self.until,
            fingerprint=fingerprint_rows(inputs, truth, weights),
        )


def _given(weights: pl.Series | None) -> list[pl.Series]:
    return [] if weights is None else [weights]


def fingerprint_rows(inputs: pl.DataFrame, truth: pl.Series, weights: pl.Series | None) -> str:
    """The fingerprint of what a model is trained on."""
    return fingerprint_frame(
        inputs.with_columns([truth.alias("__truth"), *(given.alias("__weight") for given in _given(weights))])
    )


def build_training_set(
    project: Project, features: Features, *, lake: Lake, until: datetime, window_days: int | None = None
) -> TrainingSet:
    """The training set: all labelled rows but the last ones, which are held out (`[backtest]` in mlops.toml); of the
    rows before those at most `[training] max_rows`. With `window_days`, only those of so many days before the cutoff.

    It has only outcomes known before `until`, and only rows that a server would answer (see `View.missing`).
    Its snapshots are of the very versions of the tables that were read, whatever is added meanwhile. InvalidInput where
    too few rows are left, or only one class; EnvironmentFault where they need more memory than there is.
    """
    lake, source, settings = lake.pin(), project.settings.source, project.settings.training
    check_features(project, features)
    check_memory(project, lake, features, window_days=window_days)
    history = open_history(project, lake, features, until=until)
    try:
        moments = history.moments()
        cutoff = find_cutoff(project, moments, until=until)
        begin = None if window_days is None else days_before(cutoff, window_days, project.timezone)
        sample = sample_rows(moments, history.hashes, since=begin, before=cutoff, max_rows=settings.max_rows)
        known = history.rows(None if sample is None else sample.kept)
        in_window = pl.repeat(True, known.height, eager=True) if begin is None else known[source.time] >= begin
        inputs = history.inputs(requests_of(project, known.filter(in_window)))
        del history, moments  # with all facts, and all rows
    except pl.exceptions.PolarsError as error:
        raise not_computed_error(error) from None
    check_inputs(inputs)
    is_training = known[source.time] < cutoff
    truth = make_task(project.task, classes=project.classes).encode(known[source.label])
    _check_enough(project, truth.filter(is_training), cutoff)
    scale = scale_of(project.task, truth.filter(is_training))
    weights, holdout_weights = _weights(project, known, is_training)
    learned, is_learned = is_training & in_window, is_training.filter(in_window)
    train_inputs, train_truth = inputs.filter(is_learned), truth.filter(learned)
    weights = None if weights is None else weights.filter(in_window.filter(is_training))
    return TrainingSet(
        task=make_task(project.task, classes=project.classes, scale=scale),
        inputs=train_inputs,
        truth=train_truth,
        weights=weights,
        moments=known.filter(learned)[source.time],
        holdout=known.filter(~is_training),
        holdout_inputs=inputs.filter(~is_learned),
        holdout_truth=truth.filter(~is_training),
        holdout_weights=holdout_weights,
        cutoff=cutoff,
        until=until,
        snapshots=_snapshots(project, lake),
        known_at=known.filter(learned)["_known_at"],
        fingerprint=fingerprint_rows(train_inputs, train_truth, weights),
        sampled_from=None if sample is None else sample.rows,
    )


def _check_enough(project: Project, truth: pl.Series, cutoff: datetime) -> None:
    """InvalidInput where these labels of the training rows are too few, or all the same."""
    if len(truth) < MIN_ROWS or truth.n_unique() < 2:
        different = "labels" if project.task == "regression" else "classes"
        raise InvalidInput(
            f"{len(truth)} labelled rows before {cutoff:%Y-%m-%d}, with {truth.n_unique()} {different}",
            code="too_little_data",
            where=f'table "{project.settings.source.table}"',
            hint=f"at least {MIN_ROWS} rows and two {different} are needed; add data, or hold out less: [backtest]",
        )


def _weights(project: Project, rows: pl.DataFrame, is_training: pl.Series) -> tuple[pl.Series | None, pl.Series | None]:
    """The weights of the training rows and of the others, scaled to 1 on average over the former: regularization terms
    of models are meant in rows."""
    source = project.settings.source
    if source.weight is None:
        return None, None
    weights = rows[source.weight].cast(pl.Float64)
    total = float(weights.filter(is_training).sum())
    if weights.null_count() or (weights < 0).any() or not total > 0:
        raise InvalidInput(
            "a weight is null or negative, or all are 0",
            code="bad_weights",
            where=f'table "{source.table}", column "{source.weight}"',
            hint='declare it as { type = "float", min = 0 } and fix the data, or take weight out of [source]',
        )
    scaled = weights * (int(is_training.sum()) / total)
    return scaled.filter(is_training), scaled.filter(~is_training)


def find_cutoff(project: Project, moments: pl.Series, *, until: datetime) -> datetime:
    """The moment from which rows are held out: `backtest.days` before the end of the day of the newest row (or `until`,
    if that is earlier), or that of the first row of the last `backtest.share` of the rows.

    `moments` are those of the rows whose outcome is known, in order. However late outcomes become known, there are rows
    on the days that are held out.
    """
    settings = project.settings.backtest
    if moments.is_empty():
        return days_before(until, settings.days, project.timezone)
    if settings.share is None:
        newest = moments[-1]
        assert isinstance(newest, datetime)
        day_end = days_after(day_of(newest, project.timezone), 1, project.timezone)
        return days_before(min(day_end, until), settings.days, project.timezone)
    cutoff = moments[min(round(len(moments) * (1 - settings.share)), len(moments) - 1)]
    assert isinstance(cutoff, datetime)
    return cutoff


def _snapshots(project: Project, lake: Lake) -> tuple[Snapshot, ...]:
    names = [*table_fields(project), *([OUTCOMES.name] if OUTCOMES.exists(lake) else [])]
    return tuple(lake.snapshot(name) for name in names)
