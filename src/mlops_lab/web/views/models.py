"""Models: every version with what was decided about it; one version with its lineage, gates and engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.explain import describe_version, explain_version
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, RolloutState, fold
from mlops_lab.web.view import Content, Source, View


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """All versions, the newest first; with `version` also everything about that one."""
    decisions = read_decisions(source.lake)
    state = fold(decisions)
    content: Content = {"versions": _list_versions(decisions, state), "number": None}
    if text := asked.get("version", "").strip():
        content |= _describe(source, _number(text), decisions)
    return content


def _list_versions(decisions: Sequence[Decision], state: RolloutState) -> list[dict[str, Any]]:
    numbers = sorted({decision.version for decision in decisions if decision.version is not None}, reverse=True)
    return [
        {
            "number": number,
            "now": _role(number, state),
            "decisions": [decision for decision in decisions if decision.version == number],
        }
        for number in numbers
    ]


def _role(number: int, state: RolloutState) -> str:
    if number == state.champion:
        return "champion"
    if number == state.challenger:
        return str(state.stage)
    if number in dict(state.arms):
        return "A/B test"
    return ""


def _describe(source: Source, number: int, decisions: Sequence[Decision]) -> Content:
    lineage = explain_version(source.project, number)
    gates = [
        gate for decision in decisions if decision.version == number for gate in decision.evidence.get("gates", [])
    ]
    return {"number": number, "lineage": lineage, "lines": describe_version(lineage), "gates": gates}


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is not the number of a version",
            code="bad_version",
            where="version",
            hint="choose one from the list",
        ) from None


VIEW = View(name="models", title="Models", command="mlops explain --version NUMBER", query=query)
