"""`mlops quarantine`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.tables import BreachRecord, QuarantineRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.intake.deliver import replay_quarantine
from mlops_lab.intake.journal import ingest_if_reachable
from mlops_lab.intake.quarantine import describe_quarantine
from mlops_lab.loop.people import acting_person
from mlops_lab.tables.open_lake import open_lake


def command(
    replay: Annotated[bool, typer.Option("--replay", help="Bring in the rows that follow the contract now.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """List the rows that broke the contract, by table and rule."""
    opened = open_project(project)
    released = replay_quarantine(opened, by=acting_person(opened)) if replay else {}
    lake = open_lake(opened)
    ingest_if_reachable(opened, lake)
    waiting = describe_quarantine(lake)
    if json:
        broken = [msgspec.convert(breach.as_dict(), BreachRecord) for breach in waiting]
        print_record(QuarantineRecord(released=released, waiting=broken))
        return
    for table, rows in released.items():
        print(f"{rows} rows brought into {table}")
    for breach in waiting:
        print(breach)
    if not waiting:
        print("nothing waits in quarantine")
