"""The difference of two arms that answer different requests (canary, A/B), with bounds that are valid at every look.

Two sources of chance, two bounds:

- **Days.** Each block gives one difference of the arms' means; what a day does to both arms cancels. `arm_differences`
  makes block gains of them, and `paired.bound_mean` bounds their mean over days. For keys that are assigned anew every
  day, or so many keys that who landed in which arm hardly matters.
- **Keys.** With sticky assignment the same keys stay in an arm, and days never average out that one arm has the better
  ones. `bound_effect` bounds the effect from an estimate and its standard error over *keys* (each key's own mean is one
  number): the normal mixture of the mSPRT (Robbins 1970; Johari, Koomen, Pekelis and Walsh 2022, equation 9;
  asymptotic, so after some tens of keys an arm). Wide where few keys were seen, as it must be.
"""

from __future__ import annotations

import numpy as np

from mlops_lab.rollout.evidence.bets import Floats


def arm_differences(control: Floats, control_rows: Floats, arm: Floats, arm_rows: Floats) -> tuple[Floats, Floats]:
    """For each block with rows in both arms: the arm's mean - the control's, and how many rows a pair of equally large
    arms would need for the same precision (harmonic mean). All inputs have the shape (blocks)."""
    both = (control_rows > 0) & (arm_rows > 0)
    harmonic = 2 / (1 / control_rows[both] + 1 / arm_rows[both])
    return arm[both] - control[both], harmonic


def compare_keys(control: Floats, arm: Floats) -> tuple[float, float]:
    """The arm's mean - the control's, and its standard error (Welch). One number a key: its own mean outcome."""
    difference = float(np.mean(arm) - np.mean(control))
    return difference, float(np.sqrt(np.var(arm, ddof=1) / len(arm) + np.var(control, ddof=1) / len(control)))


def bound_effect(
    difference: Floats | float, standard_error: Floats | float, *, alpha: float, expected_effect: float
) -> tuple[Floats, Floats]:
    """Lower and upper bound of the effect at each look; together they hold at all looks with probability 1 - alpha.

    `expected_effect` is the size of effects to be found soonest, in the unit of the metric, fixed beforehand: the
    standard deviation of the mixture. Any value is valid; a bad one gives wider bounds.
    """
    variance = np.square(standard_error)
    prior = expected_effect**2
    total = variance + prior
    reach = np.sqrt(variance * total / prior * (np.log(total / variance) - 2 * np.log(alpha)))
    return np.asarray(difference - reach), np.asarray(difference + reach)


def weigh_effect(difference: float, standard_error: float, *, expected_effect: float) -> float:
    """The logarithm of the e-value against "there is no effect": that of the same mixture as `bound_effect`, so it is
    -log(alpha) where 0 is one of the bounds."""
    variance, prior = standard_error**2, expected_effect**2
    total = variance + prior
    return float((np.log(variance / total) + difference**2 * prior / (variance * total)) / 2)
