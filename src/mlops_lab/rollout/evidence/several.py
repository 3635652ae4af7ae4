"""Error rates over more than one decision: several arms at once, and all the rollouts of a year."""

from __future__ import annotations


def split_alpha(alpha: float, arms: int) -> float:
    """The level for each of several arms, so that the chance of any false one is at most alpha (Bonferroni)."""
    return alpha / arms


def expected_false_promotions(alpha: float, *, rollouts: float) -> float:
    """At most so many false promotions are expected of so many rollouts, each with the level alpha.

    Alpha covers one rollout, from its first block to its end, with all looks. Expectations add up, whatever the
    rollouts have in common. Reached only if no challenger is ever better; a rollout of a better one cannot be false.
    """
    return alpha * rollouts
