"""`mlops history`."""

from __future__ import annotations

from rich.table import Table

from mlops_lab.cli.records.decisions import HistoryRecord
from mlops_lab.cli.shared import HERE, Folder, Json, local, open_project, print_record, print_table
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
    table = Table("at", "what", "version", "rule", "reason", "by", box=None, header_style="bold")
    for decision in decisions:
        version = "" if decision.version is None else str(decision.version)
        table.add_row(local(decision.at, opened), decision.what, version, decision.rule, decision.reason, decision.by)
    print_table(table)
