"""The level of maturity: 0 by hand, 1 the pipeline runs by itself, 2 so do changes of the pipeline.

Google Cloud Architecture Center: MLOps: Continuous delivery and automation pipelines in machine learning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.lineage.readiness.records import Criterion, Maturity
from mlops_lab.loop.approval import LOOP
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.status.wording import format_count

NAMES = ("by hand", "the pipeline runs by itself", "changes of the pipeline are tested and delivered by themselves")
_ROLLOUT = {DecisionKind.SHADOW, DecisionKind.SUPERSEDE, DecisionKind.CANARY, DecisionKind.PROMOTE}


class _Rule(NamedTuple):
    """A criterion: its level, its name, and the function that says whether it is met, and how that is seen."""

    level: int
    name: str
    look: Callable[[Evidence], tuple[bool, str]]


def find_level(evidence: Evidence) -> Maturity:
    """The level, with every criterion."""
    criteria = []
    for rule in _RULES:
        met, text = rule.look(evidence)
        criteria.append(Criterion(level=rule.level, name=rule.name, met=met, evidence=text))
    missing = [criterion.level for criterion in criteria if not criterion.met]
    level = min(missing, default=len(NAMES)) - 1
    return Maturity(level=level, name=NAMES[level], criteria=criteria)


def _starts_by_rule(evidence: Evidence) -> tuple[bool, str]:
    started = sum((item.what, item.by) == (DecisionKind.RETRAIN, LOOP) for item in evidence.decisions)
    return started > 0, f"rules of the loop started {format_count(started, 'training')}"


def _judges(evidence: Evidence) -> tuple[bool, str]:
    count = len(evidence.trainings)
    text = f"the contract checked the data, and gates {format_count(count, 'candidate')}"
    return count > 0, text if count else "no candidate was judged yet"


def _rolls_out(evidence: Evidence) -> tuple[bool, str]:
    steps = sum(item.what in _ROLLOUT and item.by == LOOP for item in evidence.decisions)
    return steps > 0, f"the loop took {format_count(steps, 'step')} of rollouts"


def _watches(evidence: Evidence) -> tuple[bool, str]:
    days = evidence.days("quality")
    return days.count > 0, f"the quality of answers was measured on {format_count(days.count, 'day')}"


def _is_versioned(evidence: Evidence) -> tuple[bool, str]:
    is_committed = len(evidence.commit or "") == 40
    if evidence.champion is None:
        return False, "no version was trained yet"
    return (
        is_committed,
        f"the champion was trained from {'a commit' if is_committed else 'files that are in no commit'}",
    )


def _tests_changes(evidence: Evidence) -> tuple[bool, str]:
    path = evidence.repository.runs("pytest")
    return path is not None, f"{path} runs the tests" if path else "no workflow runs tests"


def _delivers_changes(evidence: Evidence) -> tuple[bool, str]:
    path = evidence.repository.runs("mlops run")
    return path is not None, f"{path} runs `mlops run`" if path else "no workflow runs `mlops run`"


_RULES = (
    _Rule(1, "trainings start by a rule", _starts_by_rule),
    _Rule(1, "data and models are judged by rules", _judges),
    _Rule(1, "rollouts go on by rules", _rolls_out),
    _Rule(1, "quality in use is measured", _watches),
    _Rule(2, "models come from versioned code", _is_versioned),
    _Rule(2, "changes are tested by a workflow", _tests_changes),
    _Rule(2, "changes are delivered by a workflow", _delivers_changes),
)
