"""`mlops rollback`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.decisions import RollbackRecord
from mlops_lab.cli.rollout import update_alias
from mlops_lab.cli.shared import HERE, At, Folder, Json, open_project, parse_at, print_record
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop


def command(
    reason: Annotated[str, typer.Option(help="The reason, stored with the decision.")] = "a person asked for it",
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """End the rollout of the challenger; without one, return to the version before the champion."""
    loop = Loop(open_project(project))
    decision = loop.roll_back(loop.moment(parse_at(at)), by=acting_person(loop.project), reason=reason)
    if json:
        print_record(msgspec.convert(decision.as_dict() | {"champion": loop.state.champion}, RollbackRecord))
    else:
        print(f"version {loop.state.champion} answers", flush=True)
    update_alias(loop)
