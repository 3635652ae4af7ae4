"""`mlops hold create | list | release`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from mlops_lab.cli.records.upkeep import HoldDone, HoldList, HoldRecord, describe_hold
from mlops_lab.cli.shared import HERE, Folder, Json, local, open_project, print_record, print_table
from mlops_lab.clock import now
from mlops_lab.loop.holds import LegalHold, place_hold, read_holds, release_hold
from mlops_lab.loop.people import acting_person
from mlops_lab.tables.open_lake import open_lake

app = typer.Typer(add_completion=False, no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Why: it is recorded.")]


@app.command()
def create(
    target: Annotated[str, typer.Argument(metavar="TABLE@VERSION", help="TABLE alone: its newest version.")],
    reason: Reason,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Keep a version of a table as it is: `mlops gc` and the loop leave it alone, and `mlops forget` refuses."""
    opened = open_project(project)
    hold = place_hold(opened, open_lake(opened), target, now=now(), by=acting_person(opened), reason=reason)
    if json:
        print_record(_record_done(hold, released=False))
        return
    print(f"hold {hold.hold}: {hold.table}@{hold.version} stays as it is")


@app.command("list")
def list_all(project: Folder = HERE, json: Json = False) -> None:
    """List the holds that were not released yet."""
    opened = open_project(project)
    holds = read_holds(open_lake(opened))
    if json:
        print_record(HoldList(holds=[msgspec.convert(describe_hold(hold), HoldRecord) for hold in holds]))
        return
    if not holds:
        print("there are no holds")
        return
    table = Table("id", "keeps", "since", "by", "reason", box=None, header_style="bold")
    for hold in holds:
        table.add_row(hold.hold, f"{hold.table}@{hold.version}", local(hold.at, opened), hold.by, hold.reason)
    print_table(table)


@app.command()
def release(
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="The id of a hold, as in `mlops hold list`.")],
    reason: Reason,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """End a hold: from now on the version stays only if something else needs it."""
    opened = open_project(project)
    ended = release_hold(open_lake(opened), hold, now=now(), by=acting_person(opened), reason=reason)
    if json:
        print_record(_record_done(ended, released=True))
        return
    print(f"hold {ended.hold} on {ended.table}@{ended.version} is released")


def _record_done(hold: LegalHold, *, released: bool) -> HoldDone:
    fields: dict[str, Any] = describe_hold(hold)
    return HoldDone(**fields, released=released)
