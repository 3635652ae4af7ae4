"""`mlops restore DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.records.backups import record_backup
from mlops_lab.cli.shared import HERE, Json, console, print_record
from mlops_lab.runtime.restore import restore_backup


def command(
    backup: Annotated[Path, typer.Argument(help="What `mlops backup` has written.", metavar="DIR")],
    project: Annotated[
        Path, typer.Option("--project", help="A new or empty folder for the project.", show_default="here")
    ] = HERE,
    json: Json = False,
) -> None:
    """Make a project again from a backup, in an empty folder."""
    with console.status("restore"):
        manifest = restore_backup(backup, project)
    if json:
        print_record(record_backup(manifest, project.resolve()))
        return
    print(f"{manifest.project}, as it was at {manifest.made_at:%Y-%m-%d %H:%M} UTC, in {project.resolve()}")
    print("next: `mlops up` there; `mlops status` shows what is live")
