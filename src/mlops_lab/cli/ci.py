"""`mlops ci init`."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_lab.ci.write import FileState, Provider, compare_files, place_files, plan_of, write_ci_files
from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.ci import CIRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.errors import Refused

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Workflows that check the project."""


@app.command()
def init(
    provider: Annotated[Provider, typer.Option(help="The system that runs them.")] = Provider.GITHUB,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 if something would change.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Write the project's workflow and its pre-commit hooks."""
    opened = open_project(project)
    files = write_ci_files(provider, plan_of(opened))
    states = compare_files(opened.root, files) if check else place_files(opened.root, files, force=force)
    if json:
        print_record(CIRecord(files={path: str(state) for path, state in states.items()}, written=not check))
    else:
        for path, state in states.items():
            print(f"{state:8} {path}")
    if check and any(state is not FileState.SAME for state in states.values()):
        refuse(Refused("the files are not as they would be written", code="differs", hint="run it without --check"))
