"""Which of the rows a version learns from: all, the last days, or all with older ones counting less.

The choice between them is made by an as-of backtest: several times, a model is trained on what was known at an earlier
day, and asked about the days after it. So it never depends on a label that was not known when it would have been made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from mlops_lab.clock import days_before
from mlops_lab.errors import InvalidInput
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.backtest import mean_by_block
from mlops_lab.training.fit import fit, make_estimator, takes_weights, to_answers
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.place import HERE, Place
from mlops_lab.training.training_set import MIN_ROWS, TrainingSet, fingerprint_rows

ALL, AUTO = "all", "auto"
FOLDS, MAX_TEST_DAYS = 3, 28
LENGTHS = (7, 14, 30, 60, 90, 180, 365, 730, 1460)
"""The days of the windows and half-lives that are compared: the two longest that are clearly shorter than the past."""
_CLEARLY_SHORTER = 0.6
_RULE = re.compile(r"(last|half-life) (\d+)d")


@dataclass(frozen=True)
class WindowChoice:
    """The chosen window, as `[training] window` would say it, and the mean loss of each that was compared; none were
    where there are too few rows."""

    window: str
    losses: Mapping[str, float] = field(default_factory=dict)


def keep_window(data: TrainingSet, window: str, *, pipeline: Pipeline, zone: str) -> TrainingSet:
    """The training set with the rows of the window, counted back from its cutoff; held-out rows stay.

    InvalidInput where too few rows are left, or rows get weights that the estimator does not take.
    """
    rule, days = _parse(window)
    if rule == ALL:
        return data
    if rule == "half-life":
        estimator = make_estimator(pipeline)
        if isinstance(estimator, Path) or not takes_weights(estimator):
            raise InvalidInput(
                f"the model takes no weights, and window = {window!r} gives rows weights",
                code="no_weights",
                where="mlops.toml, [training] window",
                hint='take the last days instead, such as "last 180d", or a model whose `fit` has `sample_weight`',
            )
        return _with_weights(data, _half_life_weights(data, days))
    kept = _filter(data, data.moments >= days_before(data.cutoff, days, zone))
    if not _is_enough(kept):
        raise InvalidInput(
            f"{kept.inputs.height} labelled rows in the {days} days before {data.cutoff:%Y-%m-%d}, with "
            f"{kept.truth.n_unique()} different labels",
            code="too_little_data",
            where="mlops.toml, [training] window",
            hint=f"at least {MIN_ROWS} rows and two different labels are needed; give more days",
        )
    return replace(kept, fingerprint=fingerprint_rows(kept.inputs, kept.truth, kept.weights))


def days_of(window: str) -> int | None:
    """How many days before the cutoff the rows of a window begin; None where it has all rows."""
    rule, days = _parse(window)
    return days if rule == "last" else None


def choose_window(pipeline: Pipeline, data: TrainingSet, *, zone: str, place: Place = HERE) -> WindowChoice:
    """The window with the lowest mean loss on later days, over several folds; "all" where no other is better by more
    than one standard error of the daily differences (as in Breiman et al. 1984, section 3.4.3), or where there are too
    few days. The held-out rows play no part: gates judge by them."""
    estimator = make_estimator(pipeline)
    folds = [] if isinstance(estimator, Path) else list(as_of_folds(data, zone=zone))
    if not folds:
        return WindowChoice(ALL)
    options = list(_options(folds[0].moments, folds[0].cutoff, with_weights=takes_weights(estimator)))
    shared = [place.share(fold) for fold in folds]
    every = place.map(_losses, pipeline, [(fold, option, zone) for option in options for fold in shared])
    by_option = {option: list(islice(every, len(folds))) for option in options}
    measured = {
        option: pl.concat(losses) for option, found in by_option.items() if len(losses := _given(found)) == len(folds)
    }
    means = {option: mean_of(found) for option, found in measured.items()}
    best = min(means, key=lambda option: means[option])
    days = pl.concat([fold.holdout["moment"] for fold in folds]).dt.convert_time_zone(zone).dt.date()
    gains = mean_by_block(days, measured[ALL] - measured[best])
    error = float(np.std(gains, ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else float("inf")
    return WindowChoice(best if float(np.mean(gains)) > error else ALL, means)


def as_of_folds(data: TrainingSet, *, zone: str) -> Iterator[TrainingSet]:
    """Training sets as of earlier days: each has the rows whose label was known by then, and holds out the rows of the
    days after it (`holdout` has their `moment`). None where the past is too short."""
    first = data.moments.min() if len(data.moments) else None
    if not isinstance(first, datetime):
        return
    test_days = min(MAX_TEST_DAYS, (data.cutoff - first) // timedelta(days=1) // (2 * FOLDS))
    known = data.moments if data.known_at is None else data.known_at
    for number in range(FOLDS, 0, -1) if test_days else ():
        begin = days_before(data.cutoff, number * test_days, zone)
        end = days_before(data.cutoff, (number - 1) * test_days, zone)
        tested = (data.moments >= begin) & (data.moments < end)
        fold = replace(
            _filter(data, (data.moments < begin) & (known <= begin)),
            holdout=pl.DataFrame({"moment": data.moments.filter(tested)}),
            holdout_inputs=data.inputs.filter(tested),
            holdout_truth=data.truth.filter(tested),
            holdout_weights=None,
            cutoff=begin,
        )
        if _is_enough(fold) and fold.holdout.height:
            yield fold


def _options(moments: pl.Series, cutoff: datetime, *, with_weights: bool) -> Iterator[str]:
    first = moments.min()
    assert isinstance(first, datetime)
    past_days = (cutoff - first) / timedelta(days=1)
    lengths = [days for days in LENGTHS if days <= _CLEARLY_SHORTER * past_days][-2:]
    yield ALL
    yield from (f"last {days}d" for days in lengths)
    yield from (f"half-life {days}d" for days in lengths if with_weights)


def _losses(pipeline: Pipeline, fold: TrainingSet, window: str, zone: str) -> pl.Series | None:
    """The losses on the tested rows of the fold; None where it has too few rows in the window."""
    try:
        kept = keep_window(fold, window, pipeline=pipeline, zone=zone)
    except InvalidInput:
        return None
    answers = to_answers(fit(pipeline, kept), kept.holdout_inputs)
    return kept.task.losses(kept.holdout_truth, answers).alias("loss")


def _given(losses: Iterable[pl.Series | None]) -> list[pl.Series]:
    return [found for found in losses if found is not None]


def _parse(window: str) -> tuple[str, int]:
    match = _RULE.fullmatch(window)
    return (ALL, 0) if match is None else (match[1], int(match[2]))


def _half_life_weights(data: TrainingSet, half_life_days: int) -> pl.Series:
    """0.5 ** (age / half-life) for each row, its age counted from the cutoff, times the weight that it has."""
    age_days = (pl.lit(data.cutoff) - data.moments).dt.total_seconds() / timedelta(days=1).total_seconds()
    weights = pl.select(pl.lit(0.5).pow(age_days / half_life_days)).to_series()
    return weights if data.weights is None else weights * data.weights


def _with_weights(data: TrainingSet, weights: pl.Series) -> TrainingSet:
    """The training set with these weights, scaled to 1 on average: regularization terms are meant in rows."""
    scaled = (weights * (len(weights) / float(weights.sum()))).alias("weight")
    return replace(data, weights=scaled, fingerprint=fingerprint_rows(data.inputs, data.truth, scaled))


def _filter(data: TrainingSet, kept: pl.Series) -> TrainingSet:
    return replace(
        data,
        inputs=data.inputs.filter(kept),
        truth=data.truth.filter(kept),
        weights=None if data.weights is None else data.weights.filter(kept),
        moments=data.moments.filter(kept),
        known_at=None if data.known_at is None else data.known_at.filter(kept),
    )


def _is_enough(data: TrainingSet) -> bool:
    return data.inputs.height >= MIN_ROWS and data.truth.n_unique() > 1
