"""Decisions: append-only events (stored by `decision_log`). Which version is live follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from mlops_lab.rollout.approvals import Approvals


class DecisionKind(StrEnum):
    """The kinds of decision."""

    RETRAIN = "retrain"
    """A trigger fired: a candidate is to be trained."""
    REFUSE = "refuse"
    """The candidate goes no further; or a trigger fired, and no training starts (`version` is null)."""
    BOOTSTRAP = "bootstrap"
    """The first version answers from now on."""
    SHADOW = "shadow"
    """The candidate is scored on the same requests as the champion; its answers are not used."""
    SUPERSEDE = "supersede"
    """A fresher candidate takes the place of the one in shadow; the rollout goes on, and so does its evidence."""
    CANARY = "canary"
    """The candidate answers a share of the keys, from the first declared step to the last."""
    EXPIRE = "expire"
    """The rollout had no answer by its horizon: the challenger is withdrawn."""
    PROMOTE = "promote"
    """The candidate is the champion; the champion before may be watched in shadow for some days."""
    CONFIRM = "confirm"
    """The watch after a promotion is over: the champion stays, and the one before is not scored any more."""
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
    ASK_APPROVAL = "ask_approval"
    """A step of the rollout is due and waits for the approval of people."""
    APPROVE = "approve"
    """A person approves a step of a version."""
    REJECT = "reject"
    """A person rejects a version: its rollout ends, and it never answers."""
    CLOCK = "clock"
    """The clock was ahead: what is dated after this moment counts as of this moment."""


AB_WINNER = "ab.winner"
"""The rule of a promotion that ends an A/B test: one of its versions is the champion."""
MAX_DAYS = "rollout.max_days"
"""The rule by which a rollout expires."""
_ENDS_PAUSE = {
    DecisionKind.RESUME,
    DecisionKind.BOOTSTRAP,
    DecisionKind.SHADOW,
    DecisionKind.SUPERSEDE,
    DecisionKind.EXPIRE,
    DecisionKind.PROMOTE,
    DecisionKind.ROLL_BACK,
    DecisionKind.REJECT,
}
_NO_ROLLOUT = {"challenger": None, "stage": None, "rollout_began": None, "canary_share": None}
_ENDS_APPROVALS = {
    DecisionKind.BOOTSTRAP,
    DecisionKind.PROMOTE,
    DecisionKind.ROLL_BACK,
    DecisionKind.EXPIRE,
    DecisionKind.REJECT,
}
"""After these the approvals of the version are used, or of no use any more."""


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


@dataclass(frozen=True)
class Watch:
    """After a promotion: the champion before, which scores the same requests in shadow, since when, and for how many
    days. What it shows may take the promotion back."""

    version: int
    began: datetime
    days: int


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
    canary_share: float | None = None
    """The share of the keys that the canary answers; None also where an older release did not write it down."""
    watch: Watch | None = None
    approvals: Approvals = field(default_factory=Approvals)

    @property
    def compared_since(self) -> datetime | None:
        """Since when champion and shadow are compared: when the rollout began, or the watch; None where neither is
        under way."""
        return self.rollout_began or (self.watch.began if self.watch else None)


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
            # without a training under way it is a trigger that was refused: nothing was trained
            trained = state.last_retrain if state.retraining is None else decision.at
            after |= {"retraining": None, "last_retrain": trained}
        case DecisionKind.BOOTSTRAP | DecisionKind.PROMOTE:
            previous = (*state.previous, state.champion) if state.champion is not None else state.previous
            after |= {"champion": decision.version, "previous": previous, "since": decision.at}
            after |= _NO_ROLLOUT | {"retraining": None, "watch": _watch_after(state, decision)}
            if decision.what is DecisionKind.BOOTSTRAP:
                after["last_retrain"] = decision.at
        case DecisionKind.SHADOW | DecisionKind.SUPERSEDE:
            after |= {"challenger": decision.version, "stage": DecisionKind.SHADOW, "since": decision.at}
            # a fresher candidate takes the place of the one before: the rollout goes on, and so does its evidence
            after |= {"retraining": None, "rollout_began": state.rollout_began or decision.at}
            after |= {"watch": None, "canary_share": None}  # one version at a time is in shadow
        case DecisionKind.CANARY:
            share = decision.evidence.get("share")
            after |= {"stage": DecisionKind.CANARY, "since": decision.at}
            after |= {"canary_share": None if share is None else float(share)}
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
            if state.watch is not None:
                after["watch"] = replace(state.watch, began=min(state.watch.began, decision.at))
            after["approvals"] = state.approvals.not_after(decision.at)
        case DecisionKind.ROLL_BACK | DecisionKind.EXPIRE if state.challenger is not None:
            after |= _NO_ROLLOUT | {"since": decision.at}
        case DecisionKind.REJECT if decision.version is not None and decision.version == state.challenger:
            after |= _NO_ROLLOUT | {"since": decision.at}
        case DecisionKind.ROLL_BACK:
            after |= {"champion": decision.version, "previous": state.previous[:-1], "since": decision.at}
            after |= _NO_ROLLOUT | {"watch": None}
        case DecisionKind.CONFIRM:
            after["watch"] = None
    after["approvals"] = _approvals_after(after["approvals"], decision, challenger=state.challenger)
    return RolloutState(**(after | _compared(state, decision, after)))


def _approvals_after(approvals: Approvals, decision: Decision, *, challenger: int | None) -> Approvals:
    """The approvals after a decision: one more, or without those that it used."""
    version, step = decision.version, str(decision.evidence.get("step") or "")
    if decision.what is DecisionKind.ASK_APPROVAL and version is not None:
        return approvals.ask(version, step, decision.at)
    if decision.what is DecisionKind.APPROVE and version is not None:
        return approvals.approve(version, step, decision.by, decision.at)
    if decision.what in _ENDS_APPROVALS:
        return approvals.without(version)
    if decision.what in {DecisionKind.SHADOW, DecisionKind.SUPERSEDE}:
        return approvals.without(challenger)
    if decision.what is DecisionKind.CANARY:
        return approvals.without(version, "canary")
    if decision.what in {DecisionKind.AB_START, DecisionKind.SPLIT}:
        arms: list[int | None] = [int(arm) for arm in decision.evidence.get("arms") or ()]
        for arm in arms or [version]:
            approvals = approvals.without(arm, "ab_start")
    return approvals


def _compared(state: RolloutState, decision: Decision, after: dict[str, Any]) -> dict[str, Any]:
    """The arms of an A/B test after a decision, and since when they are compared: anew, where they or the champion are
    other ones. The champion is no arm; a winner ends the test."""
    arms: tuple[tuple[int, float], ...] = () if decision.rule == AB_WINNER else after["arms"]
    arms = tuple(arm for arm in arms if arm[0] != after["champion"])
    if not arms:
        return {"arms": (), "arms_since": None}
    is_same = arms == state.arms and after["champion"] == state.champion
    return {"arms": arms, "arms_since": after["arms_since"] if is_same else decision.at}


def _watch_after(state: RolloutState, promotion: Decision) -> Watch | None:
    """The watch that a promotion begins: of the champion before; None where none was declared."""
    days = int(promotion.evidence.get("watch_days") or 0)
    if days < 1 or state.champion is None or promotion.what is not DecisionKind.PROMOTE:
        return None
    return Watch(state.champion, promotion.at, days)
