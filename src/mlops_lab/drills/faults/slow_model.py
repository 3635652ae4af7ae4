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

_TIMES_SLOWER = 3
_ROWS = 500
SLOW = '''

def model(**_):
    """A drill: very many small trees."""
    from lightgbm import LGBM{kind}

    return LGBM{kind}(
        n_estimators=4000, learning_rate=0.002, num_leaves=31, deterministic=True, force_row_wise=True, random_state=1,
        verbose=-1,
    )
'''


def run(ground: Ground) -> Observed:
    """What the system did about it. The limit of the copy is so many times what its champion needs."""
    limit_ms = _TIMES_SLOWER * score_ms(ground)
    kind = "Regressor" if ground.project.task == "regression" else "Classifier"
    fault = Fault(
        words=f"a candidate of 4,000 trees, where an answer may take {limit_ms:.3g} ms",
        names=_names_slowness,
        on_first_day=lambda replay: train_from(replay, SLOW.format(kind=kind)),
        right=BACK | {DecisionKind.RETRAIN, DecisionKind.SHADOW},
        ends_with=BACK,
        # It need not be better than the champion to get into shadow, where its time is measured.
        flags=(f"guardrails.max_score_ms={limit_ms:.6f}", "rollout.prove=better"),
    )
    return play_fault(ground, fault)


def score_ms(ground: Ground) -> float:
    """The milliseconds that the champion needs to score a row, on average."""
    source = ground.project.settings.source
    rows = ground.history.known[source.table].filter(pl.col(source.time) < ground.since).tail(_ROWS)
    inputs, _ = compute_inputs(ground.project, ground.champion, rows, facts=ground.history.known)
    values = inputs.select(ground.champion.features.inputs).rows()
    began = time.perf_counter()
    for row in values:
        ground.champion.score_rows([row])
    return 1000 * (time.perf_counter() - began) / len(values)


def _names_slowness(sign: Sign) -> bool:
    return sign.kind == "decision" and "max_score_ms" in sign.rule


SLOW_MODEL = Drill(
    name="slow-model",
    summary="A candidate takes far too long for each answer.",
    target=Target(detect=timedelta(days=3), recover=timedelta(days=3), harmed_share=0.01),
    run=run,
)
