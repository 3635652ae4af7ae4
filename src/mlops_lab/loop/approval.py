"""Which decisions wait for the approval of people (`[approval]`), and the decisions to approve and to reject.

The loop asks once for a step that is due, waits, and takes it when the approvals are there. What a person asks for is
refused until they are there, also with `--force`. A way back never waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mlops_lab.alerts.alert import Alert
from mlops_lab.errors import Refused
from mlops_lab.loop.commands import check_passed_gates
from mlops_lab.project import Project
from mlops_lab.rollout.approvals import TOKEN, person_of
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.serving.http.tokens import LOCAL

LOOP = "loop"
"""Who made the decisions of the loop: nobody that could approve anything."""
EXPIRED = "approval.within_days"
"""The rule by which a rollout expires that nobody approved."""


@dataclass(frozen=True)
class ApprovalCheck:
    """The approvals of a step of a version that count: who gave them, how many are missing, who may give them (None:
    anybody but `owners`), and whose version it is."""

    version: int
    step: str
    given: tuple[str, ...]
    missing: int
    approvers: tuple[str, ...] | None
    owners: frozenset[str]

    @property
    def whom(self) -> str:
        """Whose word is missing, in words."""
        count = f"{self.missing} more" if self.given else f"{self.missing}"
        people = "person" if self.missing == 1 else "people"
        if self.approvers is None:
            others = " and ".join(sorted(self.owners - {LOOP}))
            return f"{count} {people} other than {others}" if others else f"{count} {people}"
        left = [name for name in self.approvers if name not in {*self.owners, *map(person_of, self.given)}]
        return f"{count} of {', '.join(left)}" if left else f"{count} {people}, and [approval] names nobody else"


def check_approvals(
    project: Project,
    decisions: Sequence[Decision],
    state: RolloutState,
    now: datetime,
    *,
    version: int,
    step: str,
    asked_by: str | None = None,
) -> ApprovalCheck:
    """The approvals that count for a step of a version at `now`, where `asked_by` asks for it."""
    settings = project.settings.approval
    approvers = dict(settings.approvers).get(step)  # type: ignore[call-overload]
    owners = find_owners(decisions, version) | ({person_of(asked_by)} if asked_by else set())
    given = {
        person_of(item.by): item.by
        for item in state.approvals.given
        if (item.version, item.step) == (version, step)
        and now - item.at <= timedelta(days=settings.within_days)
        and person_of(item.by) not in owners
        and (approvers is None or person_of(item.by) in approvers)
    }
    missing = max(settings.people - len(given), 0)
    names = None if approvers is None else tuple(approvers)
    return ApprovalCheck(version, step, tuple(given.values()), missing, names, frozenset(owners))


def find_owners(decisions: Sequence[Decision], version: int) -> set[str]:
    """Whose version it is: who asked for its training, and who made the first decision about it."""
    for number, decision in enumerate(decisions):
        if decision.version == version and "package" in decision.evidence:
            asked = next((item.by for item in reversed(decisions[:number]) if item.what is DecisionKind.RETRAIN), None)
            return {person_of(by) for by in (asked, decision.by) if by is not None}
    return set()


def as_approved(
    project: Project, decisions: Sequence[Decision], state: RolloutState, decision: Decision
) -> Decision | None:
    """The loop's decision where it needs no approval, or has it; else the decision to ask for it, once; None while it
    waits; the one that the rollout expires where nobody has approved in time."""
    checks = _checks_of(project, decisions, state, decision, asked_by=None)
    lacking = next((check for check in checks if check.missing), None)
    if lacking is None:
        return _with_approvals(decision, checks)
    asked, now = state.approvals.asked, decision.at
    days = project.settings.approval.within_days
    if asked is None or (asked.version, asked.step) != (lacking.version, lacking.step):
        reason = f"due: {decision.reason}; it waits for the approval of {lacking.whom}"
        evidence = {"step": lacking.step, "due": str(decision.what), "due_rule": decision.rule, **decision.evidence}
        return replace(decision, what=DecisionKind.ASK_APPROVAL, rule="approval", reason=reason, evidence=evidence)
    if now - asked.at < timedelta(days=days):
        return None
    reason = f"{lacking.step} was not approved within {days} days: {lacking.whom} did not answer"
    evidence = {"step": lacking.step, "approved_by": list(lacking.given), "asked_at": asked.at.isoformat()}
    return Decision(now, DecisionKind.EXPIRE, lacking.version, EXPIRED, reason, decision.by, evidence)


def check_approved(
    project: Project, decisions: Sequence[Decision], state: RolloutState, decision: Decision
) -> Decision:
    """A person's decision, with the approvals that it has. Refused where it needs one more."""
    checks = _checks_of(project, decisions, state, decision, asked_by=decision.by)
    for check in checks:
        if decision.by == f"{TOKEN}{LOCAL}":
            raise Refused(
                f'the token "{LOCAL}" names no person: the step {check.step} needs one, and the approval of others',
                code="not_a_person",
                hint="`mlops token create --role operate --name NAME` makes a token for a person",
            )
        if check.missing:
            raise Refused(
                f"version {check.version} needs the approval of {check.whom} for the step {check.step}",
                code="not_approved",
                where="[approval] in mlops.toml",
                hint=f"`mlops approve {check.version} --step {check.step} --note WHY` by them; then run this again",
            )
    return _with_approvals(decision, checks)


def decide_to_approve(
    project: Project,
    decisions: Sequence[Decision],
    state: RolloutState,
    now: datetime,
    *,
    version: int,
    step: str | None,
    by: str,
    note: str,
) -> Decision:
    """The decision that a person approves a step of a version; by default of the one that waits, or comes next.

    NotFound where there is no such version. Refused where the step needs no approval, the version did not pass its
    gates or was rejected, it is the person's own, they are none of the approvers, or have approved it already.
    """
    check_passed_gates(decisions, version)
    step = step or _next_step(project, state, version)
    if step not in project.settings.approval.steps:
        steps = ", ".join(project.settings.approval.steps)
        raise Refused(
            f"{step} needs no approval" if steps else "no step of this project needs approval",
            code="no_approval_needed",
            where="approval.steps in mlops.toml",
            hint=f"steps that need it: {steps}" if steps else 'steps = ["promote"] would ask for it',
        )
    if step == "promote" and version == state.champion:
        raise Refused(f"version {version} is the champion already", code="is_champion", hint="`mlops status`")
    check = check_approvals(project, decisions, state, now, version=version, step=step)
    person = person_of(by)
    if person in check.owners:
        raise Refused(
            f"version {version} is your own, {person}: you asked for its training",
            code="own_version",
            hint="somebody else must approve it",
        )
    if check.approvers is not None and person not in check.approvers:
        raise Refused(
            f"{person} may not approve the step {step}",
            code="no_approver",
            where=f"approval.approvers.{step} in mlops.toml",
            hint=f"these may: {', '.join(check.approvers)}",
        )
    if person in map(person_of, check.given):
        raise Refused(
            f"{person} has approved {step} of version {version} already",
            code="nothing_to_change",
            hint="`mlops status`",
        )
    return Decision(now, DecisionKind.APPROVE, version, "asked", note, by, {"step": step})


def decide_to_reject(
    decisions: Sequence[Decision], state: RolloutState, now: datetime, *, version: int, by: str, note: str
) -> Decision:
    """The decision that a person rejects a version: its rollout ends, and it never answers. Anybody may.

    NotFound where there is no such version. Refused where it answers, or did, was rejected already, or never passed its
    gates.
    """
    check_passed_gates(decisions, version)
    if version == state.champion or version in state.previous or version in dict(state.arms):
        hint = "`mlops ab stop` ends the A/B test" if version in dict(state.arms) else "`mlops rollback` goes back"
        raise Refused(f"version {version} has answered users: it cannot be rejected", code="has_answered", hint=hint)
    return Decision(now, DecisionKind.REJECT, version, "asked", note, by)


def approval_alert(decision: Decision) -> Alert:
    """The alert about a step that waits."""
    step, version = decision.evidence["step"], decision.version
    what = f"version {version} waits for approval ({step}): {decision.reason}"
    hint = f"`mlops approve {version} --note WHY`, or `mlops reject {version} --note WHY`"
    return Alert(decision.at, "approval", what, f"version {version}", hint, about_approval(version, step))


def about_approval(version: int | None, step: str) -> str:
    """What the alert about a step of a version is about."""
    return f"{step} of version {version}"


def steps_of(state: RolloutState, decision: Decision) -> list[tuple[int, str]]:
    """The versions and steps of `[approval]` that a decision is. A promotion from shadow is also the first time that
    the version answers users."""
    version = decision.version
    if decision.what is DecisionKind.AB_START:
        return [(int(arm), "ab_start") for arm in decision.evidence.get("arms") or ()]
    if version is None:
        return []
    if decision.what is DecisionKind.SPLIT:
        return [(version, "ab_start")] if decision.evidence.get("share") else []
    is_first = state.stage is DecisionKind.SHADOW and version == state.challenger
    steps = ["canary"] if is_first and decision.what in {DecisionKind.CANARY, DecisionKind.PROMOTE} else []
    return [(version, step) for step in [*steps, *(["promote"] if decision.what is DecisionKind.PROMOTE else [])]]


def _checks_of(
    project: Project, decisions: Sequence[Decision], state: RolloutState, decision: Decision, *, asked_by: str | None
) -> list[ApprovalCheck]:
    return [
        check_approvals(project, decisions, state, decision.at, version=version, step=step, asked_by=asked_by)
        for version, step in steps_of(state, decision)
        if step in project.settings.approval.steps
    ]


def _with_approvals(decision: Decision, checks: Sequence[ApprovalCheck]) -> Decision:
    given = sorted({by for check in checks for by in check.given})
    if not given:
        return decision
    reason = f"{decision.reason}; approved by {', '.join(given)}"
    return replace(decision, reason=reason, evidence={**decision.evidence, "approved_by": given})


def _next_step(project: Project, state: RolloutState, version: int) -> str:
    """The step that an approval of a version is about where none is named."""
    asked, steps = state.approvals.asked, project.settings.approval.steps
    if asked is not None and asked.version == version:
        return asked.step
    if version == state.challenger:
        order = ["canary", "promote"] if state.stage is DecisionKind.SHADOW else ["promote"]
    else:
        order = ["ab_start", "promote"]
    return next((step for step in order if step in steps), order[0])
