"""Acting: a decision is written once, after those that are known."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.loop.act import record_decision
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, DecisionKind

NOW = datetime(2013, 3, 1, 5, tzinfo=UTC)


def decision(reason: str) -> Decision:
    return Decision(NOW, DecisionKind.RETRAIN, None, "asked", reason, "test")


def test_a_decision_follows_those_that_are_known(tmp_path: Path):
    lake = Lake(tmp_path)
    record_decision(lake, decision("first"), earlier=0)
    record_decision(lake, decision("second"), earlier=1)
    assert [item.reason for item in read_decisions(lake)] == ["first", "second"]


def test_a_decision_of_another_process_meanwhile_is_not_overwritten(tmp_path: Path):
    lake = Lake(tmp_path)
    record_decision(lake, decision("of another process"), earlier=0)
    with pytest.raises(Refused) as caught:
        record_decision(lake, decision("late"), earlier=0)
    assert caught.value.code == "decided_meanwhile"
    assert [item.reason for item in read_decisions(lake)] == ["of another process"]
