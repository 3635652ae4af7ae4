"""Decisions of a person: retrain, roll back, steer a rollout, split. Each is checked against the state before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mlops_lab.errors import Refused
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.rollout.versions import find_version

_RULE = "asked"
_PASSED_GATES = {DecisionKind.BOOTSTRAP, DecisionKind.SHADOW, DecisionKind.PROMOTE}


def decide_to_retrain(
    state: RolloutState, now: datetime, *, by: str, replaces_challenger: bool = False
) -> Decision | None:
    """The decision to train a candidate; None where one is in training already. Refused while a rollout is under way,
    unless the candidate takes the place of its challenger."""
    if state.stage is not None and not replaces_challenger:
        raise Refused(
            f"the rollout of version {state.challenger} is under way ({state.stage})",
            code="rollout_under_way",
            hint="wait for `mlops tick` to finish it, or end it with `mlops rollback`",
        )
    if state.retraining is not None:
        return None
    return Decision(now, DecisionKind.RETRAIN, None, _RULE, f"asked for by {by}", by)


def decide_to_roll_back(state: RolloutState, now: datetime, *, by: str, reason: str) -> Decision:
    """The decision to take the challenger back, or, where there is none, to make the version before the champion the
    champion again. Refused where there is neither."""
    if state.challenger is None and not state.previous:
        raise Refused(
            "there is no version to go back to",
            code="nothing_to_roll_back",
            hint="`mlops history` lists what was live; a first version can only be replaced with `mlops run`",
        )
    version = state.challenger or state.previous[-1]
    return Decision(now, DecisionKind.ROLL_BACK, version, _RULE, reason, by)


def decide_to_steer(state: RolloutState, now: datetime, *, what: DecisionKind, by: str, reason: str) -> Decision:
    """The decision to pause the rollout under way, to resume it, to end it (`roll_back`), or to promote its challenger
    without waiting for what is missing. Refused where there is no rollout, or it is in that state already."""
    if state.stage is None:
        raise Refused(
            "no rollout is under way",
            code="no_rollout",
            hint="`mlops run` starts one, if its candidate passes the gates",
        )
    if what in {DecisionKind.PAUSE, DecisionKind.RESUME} and state.is_paused == (what is DecisionKind.PAUSE):
        now_it = "is paused" if state.is_paused else "is not paused"
        raise Refused(
            f"the rollout of version {state.challenger} {now_it}", code="nothing_to_change", hint="`mlops rollout show`"
        )
    return Decision(now, what, state.challenger, _RULE, reason, by, {"stage": str(state.stage)})


def decide_to_split(
    decisions: Sequence[Decision], state: RolloutState, now: datetime, *, version: int, share: float, by: str
) -> Decision:
    """The decision to have a version answer a fixed share of the keys; a share of 0 ends that.

    NotFound where there is no such version. Refused where it never passed its gates or is the champion, or where the
    shares leave nothing for the champion.
    """
    find_version(decisions, version)
    if version not in {decision.version for decision in decisions if decision.what in _PASSED_GATES}:
        raise Refused(
            f"version {version} did not pass its gates: it must not answer requests",
            code="not_passed",
            hint="`mlops history` says why",
        )
    if version == state.champion and share:
        raise Refused(
            f"version {version} is the champion: it answers all requests that no other version answers",
            code="is_champion",
            hint="give the other version a share",
        )
    others = sum(of for arm, of in state.arms if arm != version)
    if share + others >= 1:
        raise Refused(
            f"{share:.0%} and the {others:.0%} of other versions leave nothing for the champion",
            code="share_too_large",
            hint="give a smaller share, or end another one with --share 0",
        )
    reason = f"an A/B test: it answers {share:.0%} of the keys" if share else "the A/B test is over"
    return Decision(now, DecisionKind.SPLIT, version, _RULE, reason, by, {"share": share})
