"""Error rates over more than one decision: several arms at once, and all the rollouts of a year."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlops_lab.rollout.evidence.bets import Floats


def select_arms(log_e: Floats, *, alpha: float) -> npt.NDArray[np.bool_]:
    """Which of several hypotheses to reject, so that at most a share alpha of the rejected ones is expected to be true.

    `log_e` (arms) are logarithms of their e-values now. e-BH (Wang and Ramdas 2022): the k largest, for the largest k
    whose k-th e-value is at least arms / (k alpha). Needs no independence: arms share their control.
    """
    arms = len(log_e)
    ranked = np.sort(log_e)[::-1]
    passing = np.flatnonzero(ranked >= np.log(arms / (np.arange(1, arms + 1) * alpha)))
    return np.asarray(log_e >= (ranked[passing[-1]] if passing.size else np.inf))


def split_alpha(alpha: float, arms: int) -> float:
    """The level for each of several arms, so that the chance of any false one is at most alpha (Bonferroni)."""
    return alpha / arms


def expected_false_promotions(alpha: float, *, rollouts: float) -> float:
    """At most so many false promotions are expected of so many rollouts, each with the level alpha.

    Alpha covers one rollout, from its first block to its end, with all looks. Expectations add up, whatever the
    rollouts have in common. Reached only if no challenger is ever better; a rollout of a better one cannot be false.
    """
    return alpha * rollouts
