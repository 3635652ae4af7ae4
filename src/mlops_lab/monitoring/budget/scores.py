"""How unusual the value of a day is, by the days before it: a normal score from its rank.

A day is compared with up to `HISTORY_DAYS` days before it, after three corrections that are made for all of them alike:

- the effect of the weekday, from `SEASON_DAYS` on, shrunk towards none while few such weekdays are known;
- what is usually still there of the deviation of the day before (a first-order autoregression, its correlation shrunk
  towards `PRIOR_CORRELATION`);
- deviations smaller than what matters (`smallest`) are none.

The p-value is the rank among them: (1 + how many are at least as large) / (1 + how many there are). If the corrected
days are exchangeable it is exact, whatever their distribution; today takes part in the corrections, as the others do
(full conformal prediction: Vovk, Gammerman and Shafer 2005, section 2.2). A rank cannot tell large from gigantic, so
beyond the largest day of the history the p-value falls as the tail of Student's t with `TAIL` degrees of freedom:
heavier than that of daily means and shares of many rows. The score is the normal quantile of 1 - p.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HISTORY_DAYS = 91
"""So many days before a day say what is usual: 13 weeks, so that each weekday counts equally often."""
MIN_DAYS = 28
"""With fewer days of history nothing is told."""
SEASON_DAYS = 28
PRIOR_WEEKDAYS = 3
"""The effect of a weekday is shrunk as if this many more were known, without an effect."""
PRIOR_CORRELATION = 0.3
PRIOR_PAIRS = 10
LARGEST_CORRELATION = 0.6
TAIL = 3.0
WEEK = 7
_SMALLEST_P = 1e-12


def score_day(
    past: Floats, known: Flags, today: Floats, *, smallest: Floats, target: Floats | None = None
) -> tuple[Floats, Floats]:
    """(higher, lower): the normal scores of `today` (...) against "not higher" and "not lower than usual".

    `past` (..., days) ends with the day before; `known` says which of its days count. NaN where fewer than `MIN_DAYS`
    count, and where today is NaN. `smallest` (...) has the unit of the values: changes up to it do not matter. `target`
    (...): the value that is right, beside which today counts instead of the middle of the days before; NaN: none.
    """
    days = known.sum(axis=-1)
    enough = (days >= MIN_DAYS) & np.isfinite(today)
    if not enough.any():
        return np.full(today.shape, np.nan), np.full(today.shape, np.nan)
    values = np.concatenate([np.where(known, past, 0.0), np.nan_to_num(today)[..., np.newaxis]], axis=-1)
    counts = np.concatenate([known, np.isfinite(today)[..., np.newaxis]], axis=-1)
    innovations, correlation = _without_memory(_without_weekdays(values, counts), counts)
    before = innovations[..., :-1]
    middle = np.divide((before * known).sum(axis=-1), days, out=np.zeros(days.shape), where=days > 0)
    deviations, deviation = before - middle[..., np.newaxis], innovations[..., -1] - middle
    if target is not None:
        mean = (values * counts).sum(axis=-1) / np.maximum(counts.sum(axis=-1), 1)
        deviation = deviation + np.where(np.isnan(target), 0.0, (mean - target) * (1 - correlation))
    from scipy.special import ndtri  # its import takes longer than most commands

    higher, lower = (_p_value(sign * deviations, known, sign * deviation, smallest) for sign in (1, -1))
    return np.where(enough, ndtri(1 - higher), np.nan), np.where(enough, ndtri(1 - lower), np.nan)


def _p_value(deviations: Floats, known: Flags, deviation: Floats, smallest: Floats) -> Floats:
    """How rare it is for a day to be as far above the middle."""
    days = known.sum(axis=-1)
    at_least = (known & (deviations >= deviation[..., np.newaxis])).sum(axis=-1)
    rank = (1 + at_least) / (1 + days)
    largest = np.maximum(np.where(known, deviations, 0.0).max(axis=-1), smallest)
    beyond = (at_least == 0) & (deviation > largest)
    reach = np.divide(largest, deviation, out=np.ones_like(deviation), where=beyond)
    p = np.where(beyond, rank * reach**TAIL, rank)
    return np.asarray(np.clip(np.where(deviation <= smallest, np.maximum(p, 0.5), p), _SMALLEST_P, 1 - 1e-9))


def _without_weekdays(values: Floats, counts: Flags) -> Floats:
    """The values less their mean and the effect of their weekday."""
    weekday = np.eye(WEEK)[(np.arange(values.shape[-1]) - values.shape[-1]) % WEEK]
    total = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    centred = np.where(counts, values - (values * counts).sum(axis=-1, keepdims=True) / total, 0.0)
    known = counts @ weekday
    effects = (centred @ weekday) / (known + PRIOR_WEEKDAYS)
    effects = np.where(total > SEASON_DAYS, effects, 0.0)
    return np.asarray(np.where(counts, centred - effects @ weekday.T, 0.0))


def _without_memory(residuals: Floats, counts: Flags) -> tuple[Floats, Floats]:
    """(the residuals less what the day before lets expect, the correlation of neighbours)."""
    pairs = counts[..., 1:] & counts[..., :-1]
    products = (residuals[..., 1:] * residuals[..., :-1] * pairs).sum(axis=-1)
    variance = (residuals**2).sum(axis=-1) / np.maximum(counts.sum(axis=-1), 1)
    total = np.divide(products, variance, out=np.zeros_like(products), where=variance > 0)
    correlation = (total + 1 + PRIOR_PAIRS * PRIOR_CORRELATION) / (pairs.sum(axis=-1) + PRIOR_PAIRS)
    correlation = np.clip(correlation, 0.0, LARGEST_CORRELATION)
    innovations = residuals.copy()
    innovations[..., 1:] -= np.where(pairs, correlation[..., np.newaxis] * residuals[..., :-1], 0.0)
    return innovations, correlation
