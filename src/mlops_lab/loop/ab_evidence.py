"""The evidence of an A/B test: whether its shares are right, and whether the answers of a version are worth more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlops_lab.loop.ab_answers import ABAnswers
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.evidence.arms import ArmLooks, follow_arm
from mlops_lab.rollout.evidence.several import split_alpha
from mlops_lab.rollout.evidence.shares import weigh_shares


@dataclass(frozen=True)
class ABEvidence:
    """The declared `shares` of all groups, the control first; the logarithm of the e-value against "these are the
    shares of keys"; and the looks at each arm."""

    shares: Sequence[float]
    shares_log_e: float
    arms: Sequence[ArmLooks]


def weigh_test(project: Project, state: RolloutState, test: ABAnswers) -> ABEvidence:
    """The evidence of the test under way in its answers so far."""
    shares = [1 - sum(share for _, share in state.arms), *(share for _, share in state.arms)]
    settings, values = project.settings.ab, test.answers.adjusted()
    arms = [
        follow_arm(
            test.answers,
            values,
            number,
            alpha=split_alpha(settings.alpha, len(state.arms)),
            expected_effect=settings.expected_gain or test.answers.usual_effect(),
        )
        for number in range(1, len(shares))
    ]
    keys = np.array([count.keys for count in test.counts])
    return ABEvidence(shares, float(weigh_shares(keys, np.array(shares))), arms)
