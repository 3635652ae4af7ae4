"""`mlops run`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.decisions import MadeDecision
from mlops_lab.cli.shared import HERE, At, Folder, Json, console, open_project, parse_at, print_record
from mlops_lab.errors import Refused
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.training.outcome_delay import explain_delay
from mlops_lab.training.pipeline import load_pipeline


def command(
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Take changed and missing rows of the data as corrections.")
    ] = False,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Train a candidate on all known rows, run its gates, and start its rollout."""
    with console.status("") as status:
        loop = Loop(open_project(project), report=lambda stage: status.update(stage))
        decision = loop.run(loop.moment(parse_at(at)), by=acting_person(loop.project), accept_changes=accept_changes)
        loop.act()
    if warning := explain_delay(loop.project, loop.lake, load_pipeline(loop.project).features):
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if json:
        print_record(msgspec.convert(decision.as_dict(), MadeDecision))
    show_decision(decision, quiet=json)


def show_decision(decision: Decision, *, quiet: bool) -> None:
    """Print what became of a candidate, unless `quiet`; exit code 1 where it was refused."""
    if not quiet:
        words = {
            DecisionKind.BOOTSTRAP: "is live",
            DecisionKind.SHADOW: "is in shadow",
            DecisionKind.SUPERSEDE: "is in shadow",
            DecisionKind.REFUSE: "refused",
        }
        which = "the candidate" if decision.version is None else f"version {decision.version}"
        print(f"{which} {words[decision.what]}: {decision.reason}")
    if decision.what is DecisionKind.REFUSE:
        refuse(
            Refused(
                f"the candidate was refused by {decision.rule}",
                code="refused",
                hint="`mlops history --json` shows the evidence of every gate",
            )
        )
