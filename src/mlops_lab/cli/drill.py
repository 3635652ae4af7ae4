"""`mlops drill list | run`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.drills import DrillRunRecord, DrillsRecord, record_drill, record_result
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record, print_table
from mlops_lab.cli.summary import NONE, make_table
from mlops_lab.drills.catalog import DRILLS, find_drill
from mlops_lab.drills.drill import DrillResult
from mlops_lab.drills.run import run_drills
from mlops_lab.errors import Refused
from mlops_lab.status.wording import format_duration

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the drills and their targets."""
    if json:
        print_record(DrillsRecord(drills=[record_drill(drill) for drill in DRILLS]))
        return
    table = make_table("name", "plays", ">detected", ">over", ">harmed", "fault")
    for drill in DRILLS:
        target = drill.target
        plays = "days" if drill.needs_days else "a server"
        harmed = f"{target.harmed_share:.0%}"
        detect, recover = format_duration(target.detect), format_duration(target.recover)
        table.add_row(drill.name, plays, detect, recover, harmed, drill.summary)
    print_table(table)


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The drills; `mlops drill list` names them.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Inject a fault into a copy of the project, and compare what happens with the target of the drill.

    The project is only read. The copy begins on an earlier day, and is given its own past again: with a real server on
    127.0.0.1, the real loop, and alerts that are sent nowhere. Exit code 1 where a target is not met.
    """
    drills = [find_drill(name) for name in dict.fromkeys(names)]
    opened = open_project(project)
    with console.status("") as status:
        results = list(run_drills(opened, drills, report=lambda stage: status.update(stage)))
    missed = [result for result in results if result.misses]
    if json:
        rows = [record_result(result) for result in results]
        print_record(DrillRunRecord(project=opened.name, passed=not missed, results=rows))
    else:
        render(results, Console())
    if missed:
        what = "; ".join(f"{result.drill.name}: {', '.join(result.misses)}" for result in missed)
        hint = "docs/drills.md says what is measured; the monitors and limits of mlops.toml decide what is found"
        refuse(Refused(f"targets were not met: {what}", code="target_missed", hint=hint))


def render(results: Sequence[DrillResult], out: Console) -> None:
    """Print a row for each drill, beside its target, and what named the fault."""
    out.print(draw_results(results))
    for result in results:
        observed = result.observed
        out.print()
        out.print(f"{result.drill.name}: {observed.fault}", highlight=False, markup=False, soft_wrap=True)
        named = observed.detected_by or "nothing named it"
        out.print(f"  named by: {named}", highlight=False, markup=False, soft_wrap=True)
        for action in observed.false_actions:
            out.print(f"  false action: {action}", highlight=False, markup=False, soft_wrap=True)


def draw_results(results: Sequence[DrillResult]) -> Table:
    """A row for each drill: what was measured, and in brackets the target."""
    table = make_table("drill", ">detected", ">over", ">harmed", ">false actions", "target")
    for result in results:
        observed, target = result.observed, result.drill.target
        table.add_row(
            result.drill.name,
            f"{_duration(observed.detected)} ({format_duration(target.detect)})",
            f"{_duration(observed.recovered)} ({format_duration(target.recover)})",
            f"{observed.harmed:,} of {observed.requests:,} ({target.harmed_share:.0%})",
            f"{len(observed.false_actions)} ({target.false_actions})",
            "NOT met" if result.misses else "met",
        )
    return table


def _duration(length: timedelta | None) -> str:
    return NONE if length is None else format_duration(length)
