"""`mlops reject`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.decisions import RejectRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, open_project, parse_at, print_record
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop


def command(
    version: Annotated[int, typer.Argument(help="The version, as in `mlops status`.")],
    note: Annotated[str, typer.Option(help="Why; stored with the decision.")],
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Reject a version that has not answered users: its rollout ends, and it never answers."""
    loop = Loop(open_project(project))
    decision = loop.reject(loop.moment(parse_at(at)), version, by=acting_person(loop.project), note=note)
    if json:
        print_record(msgspec.convert(decision.as_dict() | {"champion": loop.state.champion}, RejectRecord))
    else:
        print(f"{decision.by} rejected version {version}; version {loop.state.champion} answers", flush=True)
