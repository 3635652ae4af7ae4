"""Less noise in an A/B test: what a key did before the test explains part of what it does in it (CUPED)."""

from __future__ import annotations

import numpy as np

from mlops_lab.rollout.evidence.bets import Floats


def adjust_for_history(outcomes: Floats, history: Floats) -> Floats:
    """The outcomes (one a key, all arms together) without what their `history` explains; the same mean over all keys.

    `history` is a number that was fixed for each key before the test, such as its mean outcome then; NaN for a key
    without one. outcome - theta (history - mean history), with theta = covariance / variance over the keys of all
    arms (Deng, Xu, Kohavi and Walker 2013, equation 4). The variance falls by the squared correlation of the two.
    """
    known = np.isfinite(history)
    if known.sum() < 2 or not np.var(history[known]) > 0:
        return outcomes
    theta = np.cov(outcomes[known], history[known])[0, 1] / np.var(history[known], ddof=1)
    shift = np.where(known, history - np.mean(history[known]), 0.0)
    return np.asarray(outcomes - theta * shift)
