"""Decisions: append-only events in the lake. Which version is live follows from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.tables.declared import DECISIONS


class DecisionKind(StrEnum):
    """The kinds of decision."""

    RETRAIN = "retrain"
    """A trigger fired: a candidate is to be trained."""
    REFUSE = "refuse"
    """The candidate goes no further."""
    BOOTSTRAP = "bootstrap"
    """The first version answers from now on."""
    SHADOW = "shadow"
    """The candidate is scored on the same requests as the champion; its answers are not used."""
    CANARY = "canary"
    """The candidate answers a share of the keys."""
    PROMOTE = "promote"
    """The candidate is the champion."""
    ROLL_BACK = "roll_back"
    """The challenger is withdrawn; where there is none, the champion gives way to the version before it."""
    PAUSE = "pause"
    """The rollout under way takes no step forward until it is resumed; it can still be taken back."""
    RESUME = "resume"
    """The rollout under way goes on."""
    SPLIT = "split"
    """A version answers a fixed share of the keys from now on, an A/B test; a share of 0 ends it."""
    AB_START = "ab_start"
    """An A/B test begins: some versions answer fixed shares of the keys."""
    AB_STOP = "ab_stop"
    """The A/B test is over: no version answers a fixed share of the keys."""
    CLOCK = "clock"
    """The clock was ahead: what is dated after this moment counts as of this moment."""


AB_WINNER = "ab.winner"
"""The rule of a promotion that ends an A/B test: one of its versions is the champion."""
_ENDS_PAUSE = {
    DecisionKind.RESUME,
    DecisionKind.BOOTSTRAP,
    DecisionKind.SHADOW,
    DecisionKind.PROMOTE,
    DecisionKind.ROLL_BACK,
}


@dataclass(frozen=True)
class Decision:
    """One event: when, what, about which version, by which rule, why, on which evidence, by whom."""

    at: datetime
    what: DecisionKind
    version: int | None
    rule: str
    reason: str
    by: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The decision as JSON data."""
        return {**asdict(self), "at": self.at.isoformat(), "what": str(self.what)}


def read_decisions(lake: Lake) -> list[Decision]:
    """Every decision ever made, in order."""
    if not DECISIONS.exists(lake):
        return []
    rows = DECISIONS.read(lake).sort("number").iter_rows(named=True)
    return [
        Decision(
            row["at"],
            DecisionKind(row["what"]),
            row["version"],
            row["rule"],
            row["reason"],
            row["by"],
            json.loads(row["evidence"]),
        )
        for row in rows
    ]


def write_decision(lake: Lake, decision: Decision, *, earlier: int) -> bool:
    """Append the decision as the one after the `earlier` already made; False, and nothing is written, where another
    process was faster."""
    row = {
        **asdict(decision),
        "number": earlier + 1,
        "what": str(decision.what),
        "evidence": json.dumps(decision.evidence, sort_keys=True),
    }
    return DECISIONS.append(
        lake, pl.DataFrame([row], schema=DECISIONS.fixed_schema), position=(DECISIONS.name, earlier + 1)
    )


@dataclass(frozen=True)
class RolloutState:
    """Which versions are live, and what is under way, after some decisions."""

    champion: int | None = None
    previous: tuple[int, ...] = ()
    challenger: int | None = None
    stage: DecisionKind | None = None
    since: datetime | None = None
    rollout_began: datetime | None = None
    retraining: Decision | None = None
    last_retrain: datetime | None = None
    generation: int = 0
    is_paused: bool = False
    """Whether the rollout under way takes no step forward."""
    arms: tuple[tuple[int, float], ...] = ()
    """Versions that answer fixed shares of the keys, and those shares."""
    arms_since: datetime | None = None
    """Since when these versions are compared with this champion; None where no version answers a fixed share."""


def fold(decisions: Iterable[Decision]) -> RolloutState:
    """The state that the decisions lead to. Pure: the same decisions always lead to the same state."""
    state = RolloutState()
    for decision in decisions:
        state = apply(state, decision)
    return state


def made_before(decisions: Sequence[Decision], moment: datetime) -> list[Decision]:
    """The decisions made before a moment: one that is dated after a later `clock` decision counts as made with that."""
    before: list[Decision] = []
    latest_possible: datetime | None = None
    for decision in reversed(decisions):
        if decision.what is DecisionKind.CLOCK:
            latest_possible = min(decision.at, latest_possible or decision.at)
        if min(decision.at, latest_possible or decision.at) < moment:
            before.append(decision)
    return before[::-1]


def apply(state: RolloutState, decision: Decision) -> RolloutState:
    """The state after one more decision."""
    after: dict[str, Any] = dict(vars(state))
    after["generation"] = state.generation + 1
    if decision.what in _ENDS_PAUSE:
        after["is_paused"] = False
    match decision.what:
        case DecisionKind.RETRAIN:
            after |= {"retraining": decision, "last_retrain": decision.at}
        case DecisionKind.REFUSE:
            after |= {"retraining": None, "last_retrain": decision.at}
        case DecisionKind.BOOTSTRAP | DecisionKind.PROMOTE:
            previous = (*state.previous, state.champion) if state.champion is not None else state.previous
            after |= {"champion": decision.version, "previous": previous, "since": decision.at}
            after |= {"challenger": None, "stage": None, "retraining": None, "rollout_began": None}
            if decision.what is DecisionKind.BOOTSTRAP:
                after["last_retrain"] = decision.at
        case DecisionKind.SHADOW:
            after |= {"challenger": decision.version, "stage": DecisionKind.SHADOW, "since": decision.at}
            # a fresher candidate takes the place of the one before: the rollout goes on, and so does its evidence
            after |= {"retraining": None, "rollout_began": state.rollout_began or decision.at}
        case DecisionKind.CANARY:
            after |= {"stage": DecisionKind.CANARY, "since": decision.at}
        case DecisionKind.PAUSE:
            after["is_paused"] = state.stage is not None
        case DecisionKind.SPLIT if decision.version is not None:
            share = float(decision.evidence.get("share") or 0.0)
            others = tuple(arm for arm in state.arms if arm[0] != decision.version)
            after["arms"] = (*others, (decision.version, share)) if share > 0 else others
        case DecisionKind.AB_START:
            shares = decision.evidence.get("arms") or {}
            after["arms"] = tuple(sorted((int(version), share) for version, share in shares.items()))
        case DecisionKind.AB_STOP:
            after["arms"] = ()
        case DecisionKind.CLOCK:
            times = ("since", "rollout_began", "last_retrain", "arms_since")
            after |= {name: min(after[name], decision.at) for name in times if after[name] is not None}
            if state.retraining is not None:
                after["retraining"] = replace(state.retraining, at=min(state.retraining.at, decision.at))
        case DecisionKind.ROLL_BACK if state.challenger is not None:
            after |= {"challenger": None, "stage": None, "since": decision.at, "rollout_began": None}
        case DecisionKind.ROLL_BACK:
            after |= {"champion": decision.version, "previous": state.previous[:-1], "since": decision.at}
    return RolloutState(**(after | _compared(state, decision, after)))


def _compared(state: RolloutState, decision: Decision, after: dict[str, Any]) -> dict[str, Any]:
    """The arms of an A/B test after a decision, and since when they are compared: anew, where they or the champion are
    other ones. The champion is no arm; a winner ends the test."""
    arms: tuple[tuple[int, float], ...] = () if decision.rule == AB_WINNER else after["arms"]
    arms = tuple(arm for arm in arms if arm[0] != after["champion"])
    if not arms:
        return {"arms": (), "arms_since": None}
    is_same = arms == state.arms and after["champion"] == state.champion
    return {"arms": arms, "arms_since": after["arms_since"] if is_same else decision.at}
