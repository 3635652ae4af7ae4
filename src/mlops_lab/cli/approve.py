"""`mlops approve`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.decisions import ApprovalRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, open_project, parse_at, print_record
from mlops_lab.loop.approval import check_approvals
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop
from mlops_lab.project.approval_section import ApprovalStep


def command(
    version: Annotated[int, typer.Argument(help="The version, as in `mlops status`.")],
    note: Annotated[str, typer.Option(help="Why; stored with the decision.")],
    step: Annotated[
        ApprovalStep | None, typer.Option(help="What is approved.", show_default="what waits, or comes next")
    ] = None,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Approve a step of a version. The token in MLOPS_TOKEN says who you are, or else your user name."""
    loop = Loop(open_project(project))
    now = loop.moment(parse_at(at))
    decision = loop.approve(now, version, step=step, by=acting_person(loop.project), note=note)
    approved = str(decision.evidence["step"])
    check = check_approvals(loop.project, loop.decisions, loop.state, now, version=version, step=approved)
    whom = check.whom if check.missing else ""
    if json:
        print_record(msgspec.convert(decision.as_dict() | {"missing": check.missing, "whom": whom}, ApprovalRecord))
        return
    then = f"it still waits for {whom}" if check.missing else "the loop takes the step when it is due, at its next tick"
    print(f"{decision.by} approved {approved} of version {version}: {then}", flush=True)
