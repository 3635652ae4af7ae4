"""`mlops split`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.decisions import SplitRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, open_project, parse_at, print_record
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop


def command(
    version: Annotated[int, typer.Argument(help="A version that passed its gates.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="The share of the keys that it answers; 0 ends the test.")],
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Let a version answer a fixed share of the keys. A key always gets the same version."""
    loop = Loop(open_project(project))
    decision = loop.split(loop.moment(parse_at(at)), version, share=share, by=acting_person(loop.project))
    if json:
        arms = {str(version): share for version, share in loop.state.arms}
        print_record(msgspec.convert(decision.as_dict() | {"arms": arms}, SplitRecord))
    else:
        print(f"version {version}: {decision.reason}", flush=True)
