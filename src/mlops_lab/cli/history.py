"""`mlops history`."""

from __future__ import annotations

from mlops_lab.cli.records.decisions import HistoryRecord
from mlops_lab.cli.shared import HERE, Folder, Json, local, open_project, print_record, print_wrapped
from mlops_lab.rollout.decision_record import record_decision
from mlops_lab.rollout.decisions import read_decisions
from mlops_lab.tables.open_lake import open_lake


def command(project: Folder = HERE, json: Json = False) -> None:
    """List every decision, with its rule and its reason."""
    opened = open_project(project)
    decisions = read_decisions(open_lake(opened))
    if json:
        print_record(HistoryRecord(decisions=[record_decision(decision) for decision in decisions]))
        return
    for decision in decisions:
        version = "" if decision.version is None else f"v{decision.version}"
        print(f"{local(decision.at, opened)}  {decision.what:<9}  {version:<4}  {decision.rule}, by {decision.by}")
        print_wrapped(decision.reason)
