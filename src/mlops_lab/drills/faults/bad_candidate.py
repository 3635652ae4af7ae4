"""Drill: a person trains a candidate that has learned nothing: its labels were shuffled."""

from __future__ import annotations

from datetime import timedelta

from mlops_lab.drills.candidates import train_from
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.play import BACK
from mlops_lab.drills.span import Fault, play_fault
from mlops_lab.rollout.decisions import DecisionKind

SHUFFLED = '''

def _shuffle_labels(make):
    """A drill: the estimator that `make` makes learns from shuffled labels."""
    import functools

    import numpy

    def make_shuffled(**parameters):
        estimator = make(**parameters)
        fit = estimator.fit

        @functools.wraps(fit)
        def fit_shuffled(rows, labels, *rest, **options):
            return fit(rows, numpy.random.default_rng(0).permutation(labels), *rest, **options)

        estimator.fit = fit_shuffled
        return estimator

    return make_shuffled


model = _shuffle_labels(model)
'''


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    fault = Fault(
        words="a candidate was trained on shuffled labels",
        names=lambda sign: sign.kind == "decision",
        on_first_day=lambda replay: train_from(replay, SHUFFLED),
        right=BACK | {DecisionKind.RETRAIN},
        ends_with=BACK,
    )
    return play_fault(ground, fault)


BAD_CANDIDATE = Drill(
    name="bad-candidate",
    summary="A candidate that has learned nothing is trained.",
    target=Target(detect=timedelta(days=2), recover=timedelta(days=3), harmed_share=0.01),
    run=run,
)
