"""Drill: the machine's clock is a year ahead at one tick, and right again at the next."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.play import Sign
from mlops_lab.drills.span import Fault, play_fault
from mlops_lab.rollout.decisions import DecisionKind

_AHEAD = timedelta(days=365)


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    _, first_end = ground.stream(ground.project, ground.history.facts).bounds(ground.days[0])

    def tick_at(end: datetime) -> datetime:
        return end + _AHEAD if end == first_end else end

    words = f"the clock is {_AHEAD.days} days ahead at one tick"
    fault = Fault(
        words=words,
        names=names_clock,
        tick_at=tick_at,
        right=frozenset({DecisionKind.CLOCK}),
        ends_with=frozenset({DecisionKind.CLOCK}),
    )
    return play_fault(ground, fault)


def names_clock(sign: Sign) -> bool:
    """Whether a sign is about the clock."""
    return sign.rule == "clock"


CLOCK_JUMP = Drill(
    name="clock-jump",
    summary="The clock of the machine is a year ahead, once.",
    target=Target(detect=timedelta(days=2), recover=timedelta(days=2), harmed_share=0.01),
    run=run,
    needs_days=False,
)
