"""`mlops backup DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.records.backups import record_backup
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.runtime.backup import make_backup


def command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="DIR")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Copy the project into a folder, while its server and its loop are at work."""
    with console.status("backup"):
        manifest = make_backup(open_project(project), folder)
    if json:
        print_record(record_backup(manifest, folder))
        return
    print(f"{manifest.project} in {folder}: {len(manifest.files):,} files, {manifest.total_bytes:,} bytes")
    print(f"next: `mlops restore {folder}` in an empty folder")
