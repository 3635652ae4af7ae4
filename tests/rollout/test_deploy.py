"""The routing table is what the decisions say; it is only written where that changes."""

import pytest

from mlops_lab.journal.segments import read_journal
from mlops_lab.rollout import deploy as rollout_deploy
from mlops_lab.rollout.decisions import DecisionKind, fold
from mlops_lab.rollout.deploy import deploy, has_long_journal
from mlops_lab.serving.answering.routing_table import read_routing_table


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
