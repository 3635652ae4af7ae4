"""Drill: a person trains a candidate that is right, and takes far too long for each answer."""

from __future__ import annotations

import time
from datetime import timedelta

import polars as pl

from mlops_lab.drills.candidates import train_from
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.play import BACK, Sign
from mlops_lab.drills.span import Fault, play_fault
from mlops_lab.lineage.held_out import compute_inputs
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.serving.answering.shadows import MOST_AT_ONCE

_TIMES_SLOWER = 3
SLOW = '''

def _slow_down(make):
    """A drill: the estimator that `make` makes answers as before, and takes far longer."""

    def make_slow(**parameters):
        import numpy
        from sklearn.base import is_classifier
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, VotingClassifier, VotingRegressor
        from sklearn.pipeline import Pipeline

        own = make(**parameters)
        known = own.get_params()
        if known.get("learning_rate") and known.get("n_estimators"):  # more steps, each so much smaller
            times = max(2, 4000 // known["n_estimators"])
            steps = known["n_estimators"] * times
            return own.set_params(n_estimators=steps, learning_rate=known["learning_rate"] / times)
        kind = ExtraTreesClassifier if is_classifier(own) else ExtraTreesRegressor
        trees = kind(1000, max_depth=10, random_state=0)
        slow = Pipeline([*own.steps[:-1], ("trees", trees)]) if isinstance(own, Pipeline) else trees
        both, weights = [("own", own), ("slow", slow)], numpy.array([1, 1e-6])
        if is_classifier(own):
            return VotingClassifier(both, voting="soft", weights=weights)
        return VotingRegressor(both, weights=weights)

    return make_slow


model = _slow_down(model)
'''


def run(ground: Ground) -> Observed:
    """What the system did about it. The limit of the copy is so many times what its champion needs."""
    limit_ms = _TIMES_SLOWER * score_ms(ground)
    fault = Fault(
        words=f"a candidate has many times the trees, where an answer may take {limit_ms:.3g} ms",
        names=_names_slowness,
        on_first_day=lambda replay: train_from(replay, SLOW),
        right=BACK | {DecisionKind.RETRAIN, DecisionKind.SHADOW},
        ends_with=BACK,
        # It need not be better than the champion to get into shadow, where its time is measured.
        flags=(f"guardrails.max_score_ms={limit_ms:.6f}", "rollout.prove=better"),
    )
    return play_fault(ground, fault)


def score_ms(ground: Ground) -> float:
    """The milliseconds that the champion needs to score a row, on average, of many together, as in shadow."""
    source = ground.project.settings.source
    rows = ground.history.known[source.table].filter(pl.col(source.time) < ground.since).tail(MOST_AT_ONCE)
    inputs, _ = compute_inputs(ground.project, ground.champion, rows, facts=ground.history.known)
    values = inputs.select(ground.champion.features.inputs).rows()
    began = time.perf_counter()
    ground.champion.score_rows(values)
    return 1000 * (time.perf_counter() - began) / len(values)


def _names_slowness(sign: Sign) -> bool:
    return sign.kind == "decision" and "max_score_ms" in sign.rule


SLOW_MODEL = Drill(
    name="slow-model",
    summary="A candidate takes far too long for each answer.",
    target=Target(detect=timedelta(days=3), recover=timedelta(days=3), harmed_share=0.01),
    run=run,
    needs_days=False,
)
