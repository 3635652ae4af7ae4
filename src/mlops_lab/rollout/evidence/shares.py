"""Sample-ratio mismatch: whether the arms get the shares of traffic that were declared, valid at every look.

A mismatch means that something beside the dice decides who is in an arm (a crash, a cache, a redirect), and then no
difference of the arms means anything.
"""

from __future__ import annotations

import numpy as np

from mlops_lab.rollout.evidence.bets import Floats

CONCENTRATION = 100.0
"""Weight of the declared shares in the prior, in units seen: small deviations are found soonest where it is large."""


def weigh_shares(counts: Floats, shares: Floats) -> Floats:
    """The logarithm of the e-value against "each unit falls into arm i with probability shares[i]", for each look.

    `counts` (..., arms) are all units assigned until the look: with sticky assignment the distinct keys, not requests.
    The mixture of the multinomial likelihood over a Dirichlet prior around the declared shares (Lindon and Malek 2022,
    "Anytime-valid inference for multinomial count data", section 3): at least -log(alpha) at any look with
    probability at most alpha.
    """
    from scipy.special import gammaln  # its import takes longer than most commands

    expected = np.asarray(shares, dtype=np.float64) / np.sum(shares)
    prior = CONCENTRATION * expected
    counts = np.asarray(counts, dtype=np.float64)
    mixture = gammaln(CONCENTRATION) - gammaln(CONCENTRATION + counts.sum(axis=-1))
    arms = gammaln(prior + counts) - gammaln(prior) - counts * np.log(expected)
    return np.asarray(mixture + arms.sum(axis=-1))
