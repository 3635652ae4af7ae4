"""Standardized surprises of a sequence of block gains: what a gambler may bet on, fixed before each block.

Before block t, three numbers are learned from the blocks before it: the spread of the gains, how much of a block's
deviation is usually still there in the next block (the correlation), and the usual number of rows. The surprise is

    weight × clip(((gain_t - mean) - correlation × (gain_before - mean)) / spread, -CLIP, CLIP)

where `mean` is the hypothesis about the mean gain. If block gains are independent (correlation 0) or follow a
first-order autoregression, its expectation given the past is 0 under the hypothesis, as far as the correlation is
known. The correlation is estimated from few blocks, so it is shrunk towards a positive value: to bet on correlated days
as if they were independent is what breaks error rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WARM_UP_BLOCKS = 3
"""Blocks from which spread and correlation are learned before the first bet."""
CLIP = 3.0
"""Surprises beyond so many spreads count as this many: one day of storm must not decide."""
PRIOR_CORRELATION = 0.4
PRIOR_PAIRS = 5
"""The prior correlation counts as much as this many pairs of neighbouring blocks."""
LARGEST_CORRELATION = 0.6
_ROUNDING = 1e-9
"""A spread below this share of the gains is none: equal gains differ by rounding alone."""


@dataclass(frozen=True)
class Forecasts:
    """What the blocks before each block say about it; arrays of the gains' shape (..., blocks).

    `spread` is 0 where nothing is to be bet. `before` is the gain of the block before, outliers cut off.
    """

    spread: Floats
    correlation: Floats
    before: Floats
    weight: Floats

    def surprises(self, gains: Floats, mean: float | Floats) -> Floats:
        """The standardized surprise of each block if the mean gain is `mean`: within ±CLIP, falling in `mean`."""
        deviation = (gains - mean) - self.correlation * (self.before - mean)
        standardized = np.divide(deviation, self.spread, out=np.zeros_like(deviation), where=self.spread > 0)
        return np.asarray(self.weight * np.clip(standardized, -CLIP, CLIP))


def forecast(gains: Floats, rows: Floats | None = None) -> Forecasts:
    """The forecasts for each block of `gains` (..., blocks) from the blocks before it.

    A block with fewer `rows` than the mean of those before weighs proportionally less (None: all weigh the same). This
    is predictable if the number of rows says nothing about the sign of the gain.
    """
    weight = np.ones_like(gains) if rows is None else np.broadcast_to(_relative_sizes(rows), gains.shape)
    spread, correlation, before = (np.zeros_like(gains) for _ in range(3))
    cut = gains.copy()  # the gains, each outlier cut off at CLIP spreads from the mean before it
    for block in range(WARM_UP_BLOCKS, gains.shape[-1]):
        past, past_weight = cut[..., :block], weight[..., :block]
        mean = (past * past_weight).sum(axis=-1) / past_weight.sum(axis=-1)
        deviations = past_weight * (past - mean[..., np.newaxis])
        variance = (deviations**2).sum(axis=-1) / (past_weight**2).sum(axis=-1)
        # (t + 2) / (t - 1): Bessel's correction, and a little more while the spread is known badly
        learned = np.sqrt(variance * (block + 2) / (block - 1))
        is_known = learned > _ROUNDING * np.abs(past).max(axis=-1)
        spread[..., block] = np.where(is_known, learned, 0.0)
        correlation[..., block] = _shrunk_correlation(deviations, variance)
        before[..., block] = cut[..., block - 1]
        reach = np.where(is_known, CLIP * learned, np.inf)
        cut[..., block] = np.clip(gains[..., block], mean - reach, mean + reach)
    return Forecasts(spread, correlation, before, weight)


def _relative_sizes(rows: Floats) -> Floats:
    """Rows of each block relative to the mean of the blocks before; at most 1, and 1 for the first."""
    before = np.cumsum(rows)[:-1] / np.arange(1, len(rows))
    return np.concatenate([[1.0], np.minimum(1.0, rows[1:] / before)])[: len(rows)]


def _shrunk_correlation(deviations: Floats, variance: Floats) -> Floats:
    """The correlation of neighbouring blocks, shrunk towards the prior, within 0 and LARGEST_CORRELATION."""
    pairs = deviations.shape[-1] - 1
    products = (deviations[..., 1:] * deviations[..., :-1]).sum(axis=-1)
    total = np.divide(products, variance, out=np.zeros_like(products), where=variance > 0)
    # + 1: deviations from their own mean are correlated by about -1 / pairs even where the blocks are independent
    estimate = (total + 1 + PRIOR_PAIRS * PRIOR_CORRELATION) / (pairs + PRIOR_PAIRS)
    return np.asarray(np.clip(estimate, 0.0, LARGEST_CORRELATION))
