"""`mlops reproduce VERSION`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.errors import Refused
from mlops_lab.lineage.records import Reproduction
from mlops_lab.lineage.reproduce.differences import describe_difference
from mlops_lab.lineage.reproduce.notes import write_note
from mlops_lab.lineage.reproduce.reproduce import reproduce

_SHOWN = 10


def command(
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The number of a version.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Keep what is made in this empty folder.", show_default="thrown away")
    ] = None,
    same_environment: Annotated[
        bool, typer.Option("--same-environment", help="Train with what is installed here, whatever was then.")
    ] = False,
    note: Annotated[
        bool, typer.Option("--note", help="Keep the result in the project, as evidence for `mlops readiness`.")
    ] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Train a version again from its record, and compare it byte by byte.

    Code, data and settings are those that were kept with the version. Where other packages are installed by now, a new
    environment is made. The project is only read, apart from `--note`. Exit code 1 where the model is not the same,
    unless rows were erased since (`mlops forget`): it is then trained on the rest.
    """
    opened = open_project(project)
    with console.status("") as status:
        made = reproduce(
            opened,
            version,
            folder=folder,
            same_environment=same_environment,
            report=lambda stage: status.update(stage),
        )
    kept = write_note(opened, made) if note else None
    print_record(made) if json else render(made, Console())
    if kept is not None:
        console.print(f"the result is noted in {kept}", markup=False, highlight=False, soft_wrap=True)
    if not made.same and not made.erased:
        refuse(Refused(explain_failure(made), code="not_reproduced", hint=_hint(made)))


def render(made: Reproduction, out: Console) -> None:
    """Print the verdict, and all that differs in what the model was made of."""
    another = "another model, as it must be" if made.erased else "NOT the same model"
    verdict = "the same model" if made.same else another
    out.print(f"version {made.version}: {verdict}, {made.fingerprint_again[:16]}", highlight=False, soft_wrap=True)
    for erased in made.erased:
        rows = f"{erased.rows:,} rows of {erased.table}@{erased.version} were erased since (`mlops forget`)"
        out.print(f"{rows}: trained on the rest", highlight=False, markup=False, soft_wrap=True)
    if made.differences:
        out.print("what differs in what it was made of" + (", without effect on the model:" if made.same else ":"))
    for difference in made.differences[:_SHOWN]:
        out.print(f"  {describe_difference(difference)}", highlight=False, markup=False, soft_wrap=True)
    if len(made.differences) > _SHOWN:
        out.print(f"  and {len(made.differences) - _SHOWN} more: --json")
    if made.folder:
        out.print(f"kept in {made.folder}", highlight=False, markup=False, soft_wrap=True)


def explain_failure(made: Reproduction) -> str:
    """What the cause can be, first of all, and by how much the answers differ."""
    if made.differences:
        cause = f"the first thing that differs is {describe_difference(made.differences[0])}"
    else:
        cause = "nothing that it is made of differs, so its training is not deterministic"
    if made.largest is None:
        return f"not the same model: {cause}; the two do not answer the same rows"
    return f"not the same model: {cause}; answers differ by up to {made.largest:.3g} on {made.compared_rows:,} rows"


def _hint(made: Reproduction) -> str:
    if made.differences:
        return "the list is in the order of causes: data, code, Python, packages, machine"
    return "fix its seeds and threads in model(), such as random_state=1, deterministic=True, n_jobs=1"
