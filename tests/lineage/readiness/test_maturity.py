"""The level of maturity."""

from __future__ import annotations

from typing import Any

import pytest
from readiness_facts import NOTHING, make_evidence, measure, train

from mlops_lab.lineage.readiness.maturity import find_level
from mlops_lab.lineage.readiness.repository import Repository, Workflow
from mlops_lab.rollout.decisions import DecisionKind

TESTS_ONLY = Repository([Workflow("ci.yml", ("pytest",))])


@pytest.mark.parametrize(
    ("changes", "level", "missing"),
    [
        ({}, 2, set()),
        ({"commit": "unversioned"}, 1, {"models come from versioned code"}),
        ({"repository": TESTS_ONLY}, 1, {"changes are delivered by a workflow"}),
        ({"measurements": measure()}, 0, {"quality in use is measured"}),
        (
            {"decisions": [train(0, DecisionKind.BOOTSTRAP, 1, by="ada")]},
            0,
            {"trainings start by a rule", "rollouts go on by rules"},
        ),
    ],
)
def test_all_criteria_of_a_level_and_of_those_below_it(changes: dict[str, Any], level: int, missing: set[str]) -> None:
    found = find_level(make_evidence(**changes))
    assert found.level == level
    assert {item.name for item in found.criteria if not item.met} == missing


def test_nothing_is_level_0() -> None:
    found = find_level(NOTHING)
    assert (found.level, found.name) == (0, "by hand")
    assert not any(item.met for item in found.criteria)
