"""`mlops quarantine`."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json
from mlops_lab.intake.deliver import replay_quarantine
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.quarantine import describe_quarantine
from mlops_lab.lake import Lake


def command(
    replay: Annotated[bool, typer.Option("--replay", help="Bring in the rows that follow the contract now.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """List the rows that broke the contract, by table and rule."""
    opened = open_project(project)
    released = replay_quarantine(opened) if replay else {}
    lake = Lake(opened.lake_path)
    ingest_journal(opened, lake)
    waiting = describe_quarantine(lake)
    if json:
        print_json({"released": released, "waiting": [breach.as_dict() for breach in waiting]})
        return
    for table, rows in released.items():
        print(f"{rows} rows brought into {table}")
    for breach in waiting:
        print(breach)
    if not waiting:
        print("nothing waits in quarantine")
