"""Which decisions wait for people: asked once, taken when approved, expired when not, never passed by."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from waiting_rollout import AT, DECISIONS, write_waiting_rollout

from mlops_lab.alerts.states import read_statuses
from mlops_lab.errors import MlopsError, Refused
from mlops_lab.lake import Lake
from mlops_lab.loop.approval import EXPIRED, as_approved, check_approvals, check_approved, find_owners, steps_of
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.project.approval_section import ApprovalSection
from mlops_lab.rollout.approvals import Approval, Approvals, Asked
from mlops_lab.rollout.decision_log import check_chain, read_entries
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, fold
from mlops_lab.status.describe import describe
from mlops_lab.status.sentences import tell_rollout

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
Kind = DecisionKind
CANARY = Decision(AT + DAY, Kind.CANARY, 2, "rollout.shadow_days", "2 days in shadow", "loop", {"share": 0.1})
PROMOTE = replace(CANARY, what=Kind.PROMOTE, evidence={"watch_days": 7.0})


def asking(project: Project, **settings: object) -> Project:
    section = ApprovalSection(**{"steps": ["canary", "promote"], **settings})  # type: ignore[arg-type]
    return replace(project, settings=msgspec.structs.replace(project.settings, approval=section))


def state_with(*given: tuple[str, str], asked: Asked | None = None) -> RolloutState:
    """Version 2 in shadow, with approvals (step, by)."""
    approvals = Approvals(tuple(Approval(2, step, by, AT) for step, by in given), asked)
    return replace(fold(DECISIONS), approvals=approvals)


def approve(project: Project, state: RolloutState, decision: Decision = CANARY) -> Decision | None:
    return as_approved(project, DECISIONS, state, decision)


def test_without_the_section_nothing_waits(tiny):
    assert approve(tiny.project, state_with()) == CANARY
    assert check_approved(tiny.project, DECISIONS, state_with(), PROMOTE) == PROMOTE
    assert approve(asking(tiny.project, steps=["promote"]), state_with()) == CANARY


def test_the_loop_asks_once_and_waits(tiny):
    project = asking(tiny.project)
    asks = approve(project, state_with())
    assert asks is not None
    assert (asks.what, asks.version, asks.by, asks.rule) == (Kind.ASK_APPROVAL, 2, "loop", "approval")
    assert asks.reason == "due: 2 days in shadow; it waits for the approval of 1 person other than ada"
    assert asks.evidence == {"step": "canary", "due": "canary", "due_rule": "rollout.shadow_days", "share": 0.1}
    assert approve(project, state_with(asked=Asked(2, "canary", AT))) is None


def test_it_goes_on_when_it_is_approved(tiny):
    taken = approve(asking(tiny.project), state_with(("canary", "bob"), asked=Asked(2, "canary", AT)))
    assert taken is not None
    assert (taken.what, taken.by, taken.evidence) == (Kind.CANARY, "loop", {"share": 0.1, "approved_by": ["bob"]})
    assert taken.reason == "2 days in shadow; approved by bob"


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ([("canary", "ada")], {}),  # it asked for the training, with a token of the same name
        ([("promote", "bob")], {}),
        ([("canary", "bob")], {"people": 2}),
        ([("canary", "bob"), ("canary", "token:bob")], {"people": 2}),
        ([("canary", "bob")], {"approvers": {"canary": ["eve"]}}),
    ],
)
def test_what_does_not_count(tiny, given, settings):
    asks = approve(asking(tiny.project, **settings), state_with(*given))
    assert asks is not None
    assert asks.what is Kind.ASK_APPROVAL


def test_an_approval_does_not_count_for_ever(tiny):
    project, state = asking(tiny.project, within_days=3), state_with(("canary", "bob"))
    for days, what in ((3, Kind.CANARY), (4, Kind.ASK_APPROVAL)):
        decision = approve(project, state, replace(CANARY, at=AT + days * DAY))
        assert decision is not None
        assert decision.what is what


def test_two_people_are_two_different_ones(tiny):
    project = asking(tiny.project, people=2, approvers={"canary": ["bob", "eve", "ada"]})
    check = check_approvals(project, DECISIONS, state_with(("canary", "bob")), AT, version=2, step="canary")
    assert (check.given, check.missing, check.whom) == (("bob",), 1, "1 more of eve")
    taken = approve(project, state_with(("canary", "bob"), ("canary", "token:eve")))
    assert taken is not None
    assert taken.evidence["approved_by"] == ["bob", "token:eve"]


def test_a_rollout_that_nobody_approves_expires(tiny):
    project = asking(tiny.project, within_days=3)
    state = state_with(asked=Asked(2, "canary", AT))
    assert approve(project, state, replace(CANARY, at=AT + 3 * DAY - MINUTE)) is None
    expires = approve(project, state, replace(CANARY, at=AT + 3 * DAY))
    assert expires is not None
    assert (expires.what, expires.version, expires.rule) == (Kind.EXPIRE, 2, EXPIRED)
    assert "not approved within 3 days" in expires.reason


def test_a_way_back_never_waits(tiny):
    for what in (Kind.ROLL_BACK, Kind.EXPIRE, Kind.CONFIRM, Kind.PAUSE, Kind.AB_STOP):
        back = replace(CANARY, what=what, evidence={})
        assert approve(asking(tiny.project), state_with(), back) == back
        assert check_approved(asking(tiny.project), DECISIONS, state_with(), back) == back


def test_each_way_to_answer_users_is_a_step():
    state = fold(DECISIONS)
    assert steps_of(state, CANARY) == [(2, "canary")]
    assert steps_of(state, PROMOTE) == [(2, "canary"), (2, "promote")], "from shadow to all requests at once"
    canary = fold([*DECISIONS, CANARY])
    assert steps_of(canary, replace(CANARY, evidence={"share": 0.5})) == [], "users see it already"
    assert steps_of(canary, PROMOTE) == [(2, "promote")]
    test = Decision(AT, Kind.AB_START, None, "asked", "", "ada", {"arms": {"2": 0.1, "3": 0.1}})
    assert steps_of(state, test) == [(2, "ab_start"), (3, "ab_start")]
    split = Decision(AT, Kind.SPLIT, 3, "asked", "", "ada", {"share": 0.2})
    assert steps_of(state, split) == [(3, "ab_start")]
    assert steps_of(state, replace(split, evidence={"share": 0.0})) == []


def test_force_is_barred_until_somebody_else_approves(tiny):
    """The one who types it has no word in it; nor has the one who asked for the training."""
    project, forced = asking(tiny.project, steps=["promote"]), replace(PROMOTE, rule="asked", by="bob")
    for given in ([], [("promote", "bob")], [("promote", "token:ada")]):
        with pytest.raises(Refused) as barred:
            check_approved(project, DECISIONS, state_with(*given), forced)
        assert barred.value.code == "not_approved"
        assert "1 person other than ada and bob" in barred.value.what
        assert "mlops approve 2 --step promote" in barred.value.hint
    with pytest.raises(Refused, match="names no person"):  # the page, with the token of this machine
        check_approved(project, DECISIONS, state_with(("promote", "eve")), replace(forced, by="token:local"))
    done = check_approved(project, DECISIONS, state_with(("promote", "eve")), forced)
    assert (done.by, done.evidence["approved_by"]) == ("bob", ["eve"])


def test_whose_version_it_is():
    assert find_owners(DECISIONS, 1) == {"ada"}
    assert find_owners(DECISIONS, 2) == {"ada", "loop"}
    assert find_owners(DECISIONS, 3) == set()


# ---- a project that lives ------------------------------------------------------------------------------------------


@pytest.fixture
def live(tiny, tmp_path) -> Project:
    """Version 2 in shadow for three days, with all that its next step needs but an approval."""
    return write_waiting_rollout(tiny, tmp_path / "project")


def tick(project: Project, now: datetime) -> list[tuple[str, str]]:
    return [(str(decision.what), decision.by) for decision in Loop(project).tick(now)]


def states(project: Project, now: datetime) -> list[str]:
    """The states of the alerts about approval."""
    statuses = read_statuses(project, Lake(project.lake_path), now=now)
    return [str(status.state) for status in statuses if status.last.rule == "approval"]


def test_the_loop_waits_for_the_approval_and_goes_on_by_itself(live, tiny):
    assert tick(live, tiny.now) == [("ask_approval", "loop")]
    assert tick(live, tiny.now + MINUTE) == []
    status = describe(live)
    assert status.approval is not None
    assert (status.approval.version, status.approval.step, status.approval.not_by) == (2, "canary", ["ada"])
    assert "it waits for 1 person other than ada, until" in tell_rollout(status)
    assert states(live, tiny.now) == ["open"]
    with pytest.raises(Refused) as own:
        Loop(live).approve(tiny.now, 2, step=None, by="token:ada", note="mine is good")
    assert own.value.code == "own_version"
    approved = Loop(live).approve(tiny.now + MINUTE, 2, step=None, by="bob", note="looked at it")
    assert (approved.what, approved.evidence, approved.reason) == (Kind.APPROVE, {"step": "canary"}, "looked at it")
    assert "bob approved: the next tick of the loop goes on" in tell_rollout(describe(live))
    assert tick(live, tiny.now + 2 * MINUTE) == [("canary", "loop")]
    assert states(live, tiny.now + 2 * MINUTE) == ["resolved"]
    assert describe(live).approval is None
    loop = Loop(live)
    assert loop.decisions[-1].evidence["approved_by"] == ["bob"]
    assert loop.state.stage is Kind.CANARY
    assert check_chain(loop.lake, read_entries(loop.lake)) == []


def test_a_rejected_version_is_out(live, tiny):
    assert tick(live, tiny.now) == [("ask_approval", "loop")]
    rejected = Loop(live).reject(tiny.now, 2, by="ada", note="the slices are worse")  # one's own, too
    assert (rejected.what, rejected.by, rejected.reason) == (Kind.REJECT, "ada", "the slices are worse")
    loop = Loop(live)
    assert (loop.state.champion, loop.state.challenger, loop.state.approvals) == (1, None, Approvals())
    asks = [
        lambda: loop.approve(tiny.now, 2, step="promote", by="bob", note=""),
        lambda: loop.reject(tiny.now, 2, by="bob", note=""),
        lambda: loop.split(tiny.now, 2, share=0.1, by="bob"),
        lambda: loop.start_test(tiny.now, {2: 0.1}, by="bob", reason=""),
    ]
    for ask in asks:
        with pytest.raises(Refused) as refusal:
            ask()
        assert refusal.value.code == "rejected"
        assert "rejected by ada: the slices are worse" in refusal.value.what
    assert tick(live, tiny.now + MINUTE) == []
    assert states(live, tiny.now + MINUTE) == ["resolved"]


def test_a_rollout_that_waits_too_long_expires(live, tiny):
    assert tick(live, tiny.now) == [("ask_approval", "loop")]
    assert ("expire", "loop") in tick(live, tiny.now + 5 * DAY)
    assert Loop(live).state.challenger is None


def test_a_promotion_by_hand_waits_too(live, tiny):
    loop = Loop(live)
    with pytest.raises(Refused) as barred:
        loop.steer(tiny.now, Kind.PROMOTE, by="bob", reason="hurry")
    assert barred.value.code == "not_approved"
    assert len(Loop(live).decisions) == len(DECISIONS), "nothing was decided"
    for step, by in (("canary", "eve"), ("promote", "token:eve")):
        loop.approve(tiny.now, 2, step=step, by=by, note="agreed")
    done = loop.steer(tiny.now, Kind.PROMOTE, by="bob", reason="hurry")
    assert (loop.state.champion, done.by, done.rule, done.reason) == (
        2,
        "bob",
        "asked",
        "hurry; approved by eve, token:eve",
    )


@pytest.mark.parametrize(
    ("version", "step", "by", "code"),
    [
        (9, "promote", "bob", "unknown_version"),
        (1, "promote", "bob", "is_champion"),
        (2, "ab_start", "bob", "no_approval_needed"),
        (2, "canary", "token:ada", "own_version"),
    ],
)
def test_what_cannot_be_approved(live, tiny, version, step, by, code):
    with pytest.raises(MlopsError) as refusal:
        Loop(live).approve(tiny.now, version, step=step, by=by, note="")
    assert refusal.value.code == code
    assert len(Loop(live).decisions) == len(DECISIONS)


def test_what_is_approved_twice_or_by_others_is_refused(live, tiny):
    loop = Loop(live)
    assert loop.approve(tiny.now, 2, step=None, by="bob", note="").evidence == {"step": "canary"}, "what comes next"
    with pytest.raises(Refused) as again:
        loop.approve(tiny.now, 2, step="canary", by="token:bob", note="")
    assert again.value.code == "nothing_to_change"
    with pytest.raises(Refused) as live_one:
        loop.reject(tiny.now, 1, by="bob", note="")
    assert live_one.value.code == "has_answered"
    text = (live.root / "mlops.toml").read_text() + '[approval.approvers]\npromote = ["eve"]\n'
    (live.root / "mlops.toml").write_text(text)
    with pytest.raises(Refused) as other:
        Loop(load_project(live.root)).approve(tiny.now, 2, step="promote", by="bob", note="")
    assert (other.value.code, other.value.hint) == ("no_approver", "these may: eve")
