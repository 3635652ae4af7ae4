"""`mlops rollback`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.decisions import RollbackRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, console, open_project, parse_at, print_record
from mlops_lab.errors import MlopsError
from mlops_lab.loop.tick import Loop


def command(
    reason: Annotated[str, typer.Option(help="The reason, stored with the decision.")] = "a person asked for it",
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """End the rollout of the challenger; without one, return to the version before the champion."""
    loop = Loop(open_project(project))
    decision = loop.roll_back(loop.moment(parse_at(at)), by="a person", reason=reason)
    if json:
        print_record(msgspec.convert(decision.as_dict() | {"champion": loop.state.champion}, RollbackRecord))
    else:
        print(f"version {loop.state.champion} answers", flush=True)
    try:
        with console.status("updating MLflow"):  # the servers follow already
            loop.name_champion()
    except MlopsError as error:  # the rollback is done: "run it again" would go back once more
        warning = f"MLflow's alias `champion` was not set to version {loop.state.champion}: {error}"
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
