"""Evidence that a challenger is better (or not worse) than the champion, valid after every block.

**The test.** Two gamblers start with half a unit each and bet the fractions 0.15 and 0.3 of what they have on every
surprise (see `bets`): a surprise z multiplies their capital by 1 + 0.15 z and 1 + 0.3 z. As z is at least -3, nobody
goes broke. If the hypothesis "the mean gain is at most m" holds, the surprise has an expectation of at most 0 given the
past, so the total capital is a nonnegative supermartingale that starts at 1: an *e-process*. By Ville's inequality
(1939) it ever reaches 1 / alpha with a probability of at most alpha, however often one looks and whenever one stops
(Waudby-Smith and Ramdas 2024, section 4, "Estimating means of bounded random variables by betting"; Howard, Ramdas,
McAuliffe and Sekhon 2021 for the view as confidence sequences). The challenger may be exchanged for a fresher one
on a schedule fixed beforehand: the hypothesis is then that the challengers so far were on average not better.

**The confidence sequence.** The capital falls in m, so the hypotheses that are refuted at a level lie below one number:
the lower bound. It needs no second method. The upper bound is that of the negated gains.

**What is assumed.** Given the past, the clipped surprise has a mean of at most 0. That is exact for gains that scatter
symmetrically around a mean at or below m (any tails, any change of the spread from day to day) and for gains within 3
spreads; for correlated days it is exact if they follow a first-order autoregression with the correlation that was
estimated. The error of this estimate is covered by simulation only: `make bench-decisions` holds alpha for correlations
of 0.2 and 0.4, Student's t with 3 degrees of freedom, outliers, changing spreads, and on the real flights. Not held:
correlations of 0.6 (6 % instead of 5 %), and rare huge losses that make up for steady small gains (log-normal: 10 %).
Against the latter, nothing is proved while the plain mean of the gains so far does not show it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from mlops_lab.rollout.evidence.bets import CLIP, Floats, Forecasts, forecast

FRACTIONS = (0.15, 0.3)
"""Best where the mean gain is about 0.15 and 0.35 of a block's standard deviation; all below 1 / CLIP."""
_HALVINGS = 50


@dataclass(frozen=True)
class PairedEvidence:
    """What is known after each block; arrays of the gains' shape (..., blocks).

    `mean` is the mean gain so far, `log_e` the logarithm of the e-value against "the mean gain is at most -margin", and
    `is_proved` whether that hypothesis is refuted at the level alpha by now (once proved, it stays so).
    """

    mean: Floats
    log_e: Floats
    is_proved: npt.NDArray[np.bool_]


def weigh_gains(gains: Floats, *, alpha: float, margin: float = 0.0, rows: Floats | None = None) -> PairedEvidence:
    """The evidence that the challenger is better (margin 0), or not worse by `margin` or more, after each block.

    `gains` (..., blocks) are block means of champion's loss - challenger's, finite, in the order of time; `rows`
    (blocks) are the blocks' sizes, small blocks weigh less; `margin` has the unit of the loss. The evidence that the
    challenger is worse is that of the negated gains.
    """
    forecasts = forecast(gains, rows)
    mean = _mean_so_far(forecasts, gains)
    log_e = _log_capital(forecasts, gains, -margin)
    is_proved = (log_e >= -log(alpha)) & (mean > -margin)
    return PairedEvidence(mean, log_e, np.logical_or.accumulate(is_proved, axis=-1))


def bound_mean(gains: Floats, *, alpha: float, rows: Floats | None = None) -> tuple[Floats, Floats]:
    """The lower and the upper bound of the mean gain after each block, of the shape (blocks); infinite at first.

    Each of them holds at all looks together with probability 1 - alpha (both: 1 - 2 alpha). The lower bound is above
    -margin where `weigh_gains` has proved it.
    """
    return _lower_bounds(gains, alpha, rows), -_lower_bounds(-gains, alpha, rows)


def _lower_bounds(gains: Floats, alpha: float, rows: Floats | None) -> Floats:
    """For each look the largest mean that is refuted, by halving: the capital falls in the mean."""
    forecasts = forecast(gains, rows)
    low, high = (np.full(len(gains), end) for end in _extremes(forecasts, gains))
    looks = np.arange(len(gains))

    def is_refuted(means: Floats) -> npt.NDArray[np.bool_]:
        return np.asarray(_log_capital(forecasts, gains, means[:, np.newaxis])[looks, looks] >= -log(alpha))

    bounded = is_refuted(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        refuted = is_refuted(middle)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    bounds = np.where(bounded, np.minimum(low, _mean_so_far(forecasts, gains)), -np.inf)
    return np.asarray(np.maximum.accumulate(bounds))


def _extremes(forecasts: Forecasts, gains: Floats) -> tuple[float, float]:
    """Means so low and so high that each surprise is CLIP and -CLIP."""
    carry = 1 - forecasts.correlation
    centre = (gains - forecasts.correlation * forecasts.before) / carry
    reach = CLIP * forecasts.spread / carry
    return float(np.min(centre - reach, initial=0.0)), float(np.max(centre + reach, initial=0.0))


def _log_capital(forecasts: Forecasts, gains: Floats, mean: float | Floats) -> Floats:
    """The logarithm of the gamblers' capital after each block against "the mean gain is at most `mean`"."""
    surprises = forecasts.surprises(gains, mean)
    slow, fast = (np.cumsum(np.log1p(fraction * surprises), axis=-1) for fraction in FRACTIONS)
    return np.asarray(np.logaddexp(slow, fast) - log(2))


def _mean_so_far(forecasts: Forecasts, gains: Floats) -> Floats:
    return np.asarray(np.cumsum(forecasts.weight * gains, axis=-1) / np.cumsum(forecasts.weight, axis=-1))
