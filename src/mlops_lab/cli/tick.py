"""`mlops tick`."""

from __future__ import annotations

from mlops_lab.cli.records.decisions import TickRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, console, open_project, parse_at, print_record
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decision_record import record_decision


def command(project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Move the server's log into the lake, measure the last day, decide, and act."""
    with console.status("") as status:
        loop = Loop(open_project(project), report=lambda stage: status.update(stage))
        now = parse_at(at) or loop.now()
        decisions = loop.tick(now, by="loop")
    if json:
        print_record(TickRecord(at=now.isoformat(), decisions=[record_decision(decision) for decision in decisions]))
    for decision in [] if json else decisions:
        print(f"{decision.what} {decision.version or ''}: {decision.reason}")
    if not decisions and not json:
        print("nothing to decide")
