"""Decisions of a person: retrain, roll back, steer a rollout, A/B tests. Each is checked against the state before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mlops_lab.errors import Refused
from mlops_lab.rollout.decisions import AB_WINNER, Decision, DecisionKind, RolloutState
from mlops_lab.rollout.versions import find_version

_RULE = "asked"
_PASSED_GATES = {DecisionKind.BOOTSTRAP, DecisionKind.SHADOW, DecisionKind.SUPERSEDE, DecisionKind.PROMOTE}


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


def decide_to_steer(
    state: RolloutState, now: datetime, *, what: DecisionKind, by: str, reason: str, watch_days: int
) -> Decision:
    """The decision to pause the rollout under way, to resume it, to end it (`roll_back`), or to promote its challenger
    without waiting for what is missing; the champion before is then watched for `watch_days`. Refused where there is no
    rollout, or it is in that state already."""
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
    watch = {"watch_days": watch_days} if what is DecisionKind.PROMOTE else {}
    return Decision(now, what, state.challenger, _RULE, reason, by, {"stage": str(state.stage), **watch})


def decide_to_split(
    decisions: Sequence[Decision], state: RolloutState, now: datetime, *, version: int, share: float, by: str
) -> Decision:
    """The decision to have a version answer a fixed share of the keys; a share of 0 ends that.

    NotFound where there is no such version. Refused where it never passed its gates or is the champion, or where the
    shares leave nothing for the champion.
    """
    _check_arm(decisions, state, version, is_ended=not share)
    others = sum(of for arm, of in state.arms if arm != version)
    if share + others >= 1:
        raise Refused(
            f"{share:.0%} and the {others:.0%} of other versions leave nothing for the champion",
            code="share_too_large",
            hint="give a smaller share, or end another one with --share 0",
        )
    reason = f"an A/B test: it answers {share:.0%} of the keys" if share else "the A/B test is over"
    return Decision(now, DecisionKind.SPLIT, version, _RULE, reason, by, {"share": share})


def decide_to_start_test(
    decisions: Sequence[Decision],
    state: RolloutState,
    now: datetime,
    *,
    shares: Mapping[int, float],
    by: str,
    reason: str,
) -> Decision:
    """The decision to begin an A/B test in which versions answer these shares of the keys, and the champion the rest.

    NotFound and Refused as for `decide_to_split`; Refused, too, while another test is under way: to change the shares
    of a test would move keys from one version to another.
    """
    if state.arms:
        raise Refused(
            f"an A/B test of version {', '.join(str(version) for version, _ in state.arms)} is under way",
            code="ab_under_way",
            hint="look at it with `mlops ab show`, and end it with `mlops ab stop`",
        )
    for version in shares:
        _check_arm(decisions, state, version)
    if sum(shares.values()) >= 1:
        raise Refused(
            f"shares of {sum(shares.values()):.0%} leave nothing for the champion",
            code="share_too_large",
            hint="give smaller shares",
        )
    arms = {str(version): share for version, share in sorted(shares.items())}
    only = next(iter(shares)) if len(shares) == 1 else None
    return Decision(now, DecisionKind.AB_START, only, _RULE, reason, by, {"arms": arms, "control": state.champion})


def decide_to_stop_test(
    state: RolloutState, now: datetime, *, keep: int | None, by: str, reason: str, evidence: Mapping[str, object]
) -> Decision:
    """The decision to end the A/B test under way; where `keep` is one of its versions, the one to promote it.

    Refused where there is no test, where that version is not in it, and where a promotion would end a rollout too.
    """
    if not state.arms:
        raise Refused("no A/B test is under way", code="no_ab_test", hint="`mlops ab start VERSION` begins one")
    if keep is None or keep == state.champion:
        return Decision(now, DecisionKind.AB_STOP, None, _RULE, reason, by, dict(evidence))
    if keep not in dict(state.arms):
        raise Refused(
            f"version {keep} is not in the A/B test",
            code="not_in_ab_test",
            hint=f"its versions: {', '.join(str(version) for version in (*dict(state.arms), state.champion))}",
        )
    if state.stage is not None:
        raise Refused(
            f"the rollout of version {state.challenger} is under way ({state.stage})",
            code="rollout_under_way",
            hint="wait until it has ended, or end it with `mlops rollout abort`",
        )
    return Decision(now, DecisionKind.PROMOTE, keep, AB_WINNER, reason, by, dict(evidence))


def check_passed_gates(decisions: Sequence[Decision], version: int) -> None:
    """Whether the version may ever answer: NotFound where there is none, Refused where it did not pass its gates, or
    was rejected."""
    find_version(decisions, version)
    if version not in {decision.version for decision in decisions if decision.what in _PASSED_GATES}:
        raise Refused(
            f"version {version} did not pass its gates: it must not answer requests",
            code="not_passed",
            hint="`mlops history` says why",
        )
    rejection = next((item for item in decisions if item.what is DecisionKind.REJECT and item.version == version), None)
    if rejection is not None:
        raise Refused(
            f"version {version} was rejected by {rejection.by}: {rejection.reason}",
            code="rejected",
            hint="`mlops run` trains another one",
        )


def _check_arm(decisions: Sequence[Decision], state: RolloutState, version: int, *, is_ended: bool = False) -> None:
    """Whether the version may answer a share of the keys: it exists, has passed its gates, and is not the champion."""
    check_passed_gates(decisions, version)
    if version == state.champion and not is_ended:
        raise Refused(
            f"version {version} is the champion: it answers all requests that no other version answers",
            code="is_champion",
            hint="give the other version a share",
        )
