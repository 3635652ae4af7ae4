"""The routing table is what the decisions say; it is only written where that changes."""

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.segments import read_journal
from mlops_lab.rollout import deploy as rollout_deploy
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import DecisionKind, fold
from mlops_lab.rollout.deploy import check_deployable, deploy, has_long_journal
from mlops_lab.rollout.versions import find_unreadable
from mlops_lab.serving.answering.routing_table import LiveVersion, read_routing_table, write_routing_table


def deploy_all(deployable, *decisions, **options):
    """Deploy what version 1 and these decisions lead to."""
    made = [deployable.bootstrap, *decisions]
    return deploy(deployable.project, deployable.lake, decisions=made, state=fold(made), **options)


def states(deployable) -> list[str]:
    return sorted(folder.name for folder in deployable.project.state_path.iterdir())


def test_where_nothing_is_live_nothing_is_written(deployable):
    assert deploy(deployable.project, deployable.lake, decisions=[], state=fold([])) is None
    assert not deployable.project.deployment_path.exists()


def test_the_table_says_who_answers(deployable):
    table = deploy_all(deployable)
    assert table is not None
    assert read_routing_table(deployable.project.deployment_path) == table
    assert (table.champion.version, table.challenger, table.previous, table.canary_share) == (1, None, None, 0.0)
    assert (deployable.project.root / table.state).is_dir()
    shadow, canary = (deployable.decide(kind, 2) for kind in (DecisionKind.SHADOW, DecisionKind.CANARY))
    in_shadow = deploy_all(deployable, shadow)
    assert (in_shadow.champion.version, in_shadow.challenger.version, in_shadow.canary_share) == (1, 2, 0.0)
    as_canary = deploy_all(deployable, shadow, canary)
    assert as_canary.canary_share == deployable.project.settings.rollout.canary_share
    promoted = deploy_all(deployable, shadow, canary, deployable.decide(DecisionKind.PROMOTE, 2))
    assert (promoted.champion.version, promoted.challenger, promoted.previous.version) == (2, None, 1)
    assert [item.generation for item in (table, in_shadow, as_canary, promoted)] == [1, 2, 3, 4]


def test_each_canary_step_has_the_share_that_was_decided(deployable):
    shadow = deployable.decide(DecisionKind.SHADOW, 2)
    steps = [deployable.decide(DecisionKind.CANARY, 2, share=share) for share in (0.01, 0.5)]
    assert [deploy_all(deployable, shadow, *steps[:count]).canary_share for count in (1, 2)] == [0.01, 0.5]


def test_after_a_promotion_the_champion_before_is_in_shadow_while_it_is_watched(deployable):
    promote = deployable.decide(DecisionKind.PROMOTE, 2, watch_days=9)
    watched = deploy_all(deployable, promote)
    assert (watched.champion.version, watched.challenger.version, watched.previous.version) == (2, 1, 1)
    assert watched.canary_share == 0
    confirmed = deploy_all(deployable, promote, deployable.decide(DecisionKind.CONFIRM, 2))
    assert (confirmed.champion.version, confirmed.challenger, confirmed.previous.version) == (2, None, 1)
    replaced = deploy_all(deployable, promote, deployable.decide(DecisionKind.SHADOW, 3))
    assert (replaced.champion.version, replaced.challenger.version, replaced.previous.version) == (2, 3, 1)
    back = deploy_all(deployable, promote, deployable.decide(DecisionKind.ROLL_BACK, 1))
    assert (back.champion.version, back.challenger, back.previous) == (1, None, None)


def test_an_arm_has_its_share(deployable):
    table = deploy_all(deployable, deployable.decide(DecisionKind.SPLIT, 2, share=0.25))
    assert [(arm.live.version, arm.share) for arm in table.arms] == [(2, 0.25)]


def test_the_same_decisions_again_change_nothing(deployable):
    first = deploy_all(deployable)
    changed_at = deployable.project.deployment_path.stat().st_mtime_ns
    assert deploy_all(deployable) == first
    assert deployable.project.deployment_path.stat().st_mtime_ns == changed_at


def test_a_new_state_takes_the_place_of_the_old_one(deployable):
    first, second = deploy_all(deployable), deploy_all(deployable, new_state=True)
    assert first.state != second.state
    assert states(deployable) == [second.state.rsplit("/", 1)[-1]], "states that nobody follows are deleted"


@pytest.mark.parametrize("lost", ["book", "views.json"])
def test_a_state_that_is_not_whole_is_prepared_again(deployable, lost: str):
    first = deploy_all(deployable)
    path = deployable.project.root / first.state / lost
    path.rename(path.with_name("gone"))
    second = deploy_all(deployable)
    assert second.state != first.state
    assert list(read_journal(deployable.project.root / second.state / "book", 0)) == []


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[1]"])
def test_a_state_whose_list_of_views_is_damaged_is_prepared_again(deployable, content: bytes):
    first = deploy_all(deployable)
    (deployable.project.root / first.state / "views.json").write_bytes(content)
    assert deploy_all(deployable).state != first.state


def test_without_a_table_no_journal_is_long(deployable, monkeypatch):
    monkeypatch.setattr(rollout_deploy, "LONG_BYTES", -1)
    assert not has_long_journal(deployable.project, deployable.lake)
    deploy_all(deployable)
    assert has_long_journal(deployable.project, deployable.lake)


def test_an_older_generation_never_replaces_a_newer_one(deployable):
    """As a process would that read the decisions before a rollback."""
    shadow, canary = (deployable.decide(kind, 2) for kind in (DecisionKind.SHADOW, DecisionKind.CANARY))
    newest = deploy_all(deployable, shadow, canary)
    for options in ({}, {"new_state": True}):
        assert deploy_all(deployable, shadow, **options) == newest
        assert read_routing_table(deployable.project.deployment_path) == newest
        assert states(deployable) == [newest.state.rsplit("/", 1)[-1]]


def test_whoever_knows_less_reads_the_decisions_again(deployable):
    """A tick that read the decisions before a rollback had brought the bad champion back."""
    made = [deployable.bootstrap, *(deployable.decide(kind, 2) for kind in (DecisionKind.SHADOW, DecisionKind.PROMOTE))]
    made.append(deployable.decide(DecisionKind.ROLL_BACK, 1))
    for number, decision in enumerate(made):
        assert write_decision(deployable.lake, decision, earlier=number)
    for new_state in (False, True):
        for known in range(1, len(made) + 1):
            state = fold(made[:known])
            table = deploy(
                deployable.project, deployable.lake, decisions=made[:known], state=state, new_state=new_state
            )
            assert (table.generation, table.champion.version) == (4, 1)
            assert read_routing_table(deployable.project.deployment_path) == table


def test_a_table_ahead_of_all_decisions_is_made_anew(deployable):
    """A lake that was restored: the decisions say what is live, the file only follows."""
    assert write_decision(deployable.lake, deployable.bootstrap, earlier=0)
    table = deploy_all(deployable)
    ahead = msgspec.structs.replace(table, generation=9, champion=LiveVersion(7, "nowhere", "00"))
    write_routing_table(deployable.project.deployment_path, ahead)
    assert deploy_all(deployable) == table


@pytest.mark.parametrize("kind", [DecisionKind.SHADOW, DecisionKind.SPLIT, DecisionKind.PROMOTE])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_version_beside_the_champion_whose_package_is_damaged_is_named(deployable, kind, damage):
    """On trial, in a test, or the one before the champion (here version 1)."""
    project = deployable.project
    good = project.root / "good"
    shutil.copytree(project.root / "package", good)
    decision = deployable.decide(kind, 2, share=0.5)
    promoted = kind is DecisionKind.PROMOTE
    if promoted:
        decision = replace(decision, evidence={**decision.evidence, "package": "good"})
        bad = project.root / "package"
    else:
        decision = replace(decision, evidence={**decision.evidence, "package": "bad"})
        bad = Path(shutil.copytree(good, project.root / "bad"))
    if damage == "gone":
        shutil.rmtree(bad)
    else:
        (bad / "plan.json").write_bytes(b"{}")
    table = deploy_all(deployable, decision)
    assert table.champion.version == (2 if promoted else 1)
    others = {table.previous, table.challenger, *(arm.live for arm in table.arms)} - {None}
    assert {live.version for live in others} == {1 if promoted else 2}
    made = [deployable.bootstrap, decision]
    assert find_unreadable(project, made, fold(made)).keys() == {1 if promoted else 2}


def test_what_servers_could_not_follow_is_an_error_before_it_is_decided(deployable):
    made = [deployable.bootstrap]
    deploy_all(deployable)
    check_deployable(deployable.project, made, fold(made))
    path = deployable.project.deployment_path
    content = path.read_bytes()
    path.unlink()
    check_deployable(deployable.project, made, fold(made))
    path.mkdir()
    with pytest.raises(EnvironmentFault) as caught:
        check_deployable(deployable.project, made, fold(made))
    assert caught.value.code == "disk_fault"
    path.rmdir()
    path.write_bytes(content)
    (deployable.project.root / "package").rename(deployable.project.root / "away")
    with pytest.raises(EnvironmentFault) as caught:
        check_deployable(deployable.project, made, fold(made))
    assert caught.value.code == "package_missing"
    assert "nothing was decided" in caught.value.hint
    assert path.read_bytes() == content
