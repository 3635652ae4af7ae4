"""`mlops env export | compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.environments import EnvironmentComparison, EnvironmentExport
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.errors import Refused
from mlops_lab.exporters.environments.export import FORMATS, Tool, export_environment
from mlops_lab.exporters.environments.source import read_source
from mlops_lab.lineage.reproduce.differences import compare_environments, describe_difference
from mlops_lab.training.environment import describe_environment, environment_fingerprint, fingerprint_of

app = typer.Typer(add_completion=False, no_args_is_help=True)
_SHOWN = 10


@app.command()
def export(
    to: Annotated[Tool, typer.Option(help="The tool that will install it.")],
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="A version.", show_default="what is installed here")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="A new or empty folder.", show_default="environment-TOOL")
    ] = None,
    no_hashes: Annotated[
        bool, typer.Option("--no-hashes", help="Write versions without hashes: no package index is asked.")
    ] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Write the environment that a version was trained in, for another tool to install."""
    source = read_source(open_project(project), version)
    place = folder or Path(FORMATS[to].folder or f"environment-{to}")
    steps = export_environment(source, to, place, with_hashes=not no_hashes)
    if source.is_other_code:
        console.print("the wheel holds the present code of mlops-lab: that of then was not kept")
    if json:
        print_record(
            EnvironmentExport(
                tool=to,
                folder=str(place),
                version=version,
                python=source.environment.python,
                packages=len(source.packages) + (source.own is not None),
                fingerprint=fingerprint_of(source.environment),
                steps=steps,
            )
        )
        return
    print(f"the environment of {source.title}: Python {source.environment.python}, {len(source.packages)} packages")
    print(f"written to {place}; to install it, in that folder:")
    for step in steps:
        print(f"  {step}")


@app.command()
def compare(
    version: Annotated[int, typer.Argument(metavar="VERSION", help="A version.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Say whether this environment is the one that a version was trained in. Exit code 1 where it is not."""
    source = read_source(open_project(project), version)
    then, here = fingerprint_of(source.environment), environment_fingerprint()
    differences = compare_environments(source.environment, describe_environment())
    if json:
        print_record(
            EnvironmentComparison(
                version=version, same=then == here, fingerprint=then, fingerprint_here=here, differences=differences
            )
        )
    else:
        print(
            f"version {version}: {'the same environment' if then == here else 'NOT the same environment'}, {here[:16]}"
        )
        for difference in differences[:_SHOWN]:
            print(f"  {describe_difference(difference)}")
        if len(differences) > _SHOWN:
            print(f"  and {len(differences) - _SHOWN} more: --json")
    if then != here:
        refuse(
            Refused(
                f"not the environment of version {version}",
                code="other_environment",
                where=f"{len(differences)} differences",
                hint=f"`mlops env export {version} --to uv` writes it for uv to install; or pip, poetry, conda, docker",
            )
        )
