"""Models: every version with what was decided about it; one with its lineage, gates and engine; any two compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from mlops_lab.lineage.compare import MADE_OF, compare_runs
from mlops_lab.lineage.definitions import compare_features
from mlops_lab.lineage.explain import describe_version, explain_version
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, RolloutState, fold
from mlops_lab.rollout.versions import load_features
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.web.lineage_graph import lay_out
from mlops_lab.web.model_card import render_card
from mlops_lab.web.view import Content, Source, View, version_number


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """All versions, the newest first; with `version` everything about that one, or with `card` its model card; with
    `first` and `second` how two of them differ."""
    decisions = read_decisions(source.lake)
    state = fold(decisions)
    content: Content = {"versions": _list_versions(decisions, state), "number": None, "card": None, "comparison": None}
    if text := asked.get("version", "").strip():
        number = version_number(text)
        content |= _show_card(source, number) if asked.get("card") else _describe(source, number, decisions)
    elif asked.get("first"):
        content |= _compare(source, version_number(asked["first"]), version_number(asked.get("second", "")), decisions)
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
    views = len(load_features(source.project, decisions, number).views)
    graph = lay_out(lineage.version, views=views, answers=_count_answers(source, number))
    return {"number": number, "lines": describe_version(lineage), "gates": gates, "graph": graph}


def _show_card(source: Source, number: int) -> Content:
    return {"number": number, "card": render_card(source.project, number)}


def _count_answers(source: Source, number: int) -> int | None:
    """How many predictions of a version were measured; None: none."""
    if not MEASUREMENTS.exists(source.lake):
        return None
    rows = MEASUREMENTS.read(source.lake).filter(
        pl.col("monitor") == "volume", pl.col("name") == "predictions", pl.col("version") == number
    )
    return int(rows["value"].sum()) or None


def _compare(source: Source, first: int, second: int, decisions: Sequence[Decision]) -> Content:
    """What differs between two versions, without answering any row with them."""
    comparison = compare_runs(source.project, [str(first), str(second)], scores=False)
    then, now = (load_features(source.project, decisions, number) for number in (first, second))
    changes = compare_features(now, then, other=str(first))
    kinds = {"view": changes.views, "derived feature": changes.derived, "input": changes.inputs}
    return {
        "comparison": comparison,
        "made_of": {name: [run.made_of[name] for run in comparison.runs] for name in MADE_OF},
        "features": [
            (kind, name, how)
            for kind, found in kinds.items()
            for how, names in (("added", found.added), ("removed", found.removed), ("changed", found.changed))
            for name in names
        ],
    }


VIEW = View(name="models", title="Models", command="mlops explain --version NUMBER", query=query)
