"""`mlops tick`."""

from __future__ import annotations

from mlops_lab.cli.records.decisions import TickRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, console, open_project, parse_at, print_record
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decision_record import record_decision


def command(project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Move the server's log into the lake, measure the days that are over, decide, and act."""
    with console.status("") as status:
        loop = Loop(open_project(project), report=lambda stage: status.update(stage))
        now = loop.moment(parse_at(at))
        decisions = loop.tick(now, by="loop")
    warnings = loop.warnings if loop.measured else ()
    if json:
        made, ends = map(record_decision, decisions), [window.end.isoformat() for window in loop.measured]
        print_record(
            TickRecord(
                at=now.isoformat(), decisions=list(made), measured=ends, warnings=list(warnings), waiting=loop.waiting
            )
        )
        return
    if len(loop.measured) > 1:
        print(f"caught up: {len(loop.measured)} days were over and are measured now")
    for warning in warnings:
        print(f"warning: {warning}")
    for decision in decisions:
        print(f"{decision.what} {decision.version or ''}: {decision.reason}")
    for text in loop.waiting:
        print(f"waits for the next tick: {text}")
    if not decisions:
        print("nothing to decide")
