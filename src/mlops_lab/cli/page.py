"""`mlops page`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.records.server import PageRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.web.serve import PORT, open_page


def command(
    others: Annotated[
        list[Path] | None, typer.Argument(metavar="FOLDERS", help="Further projects to show.", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = PORT,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Show the page of a project, and of others: what is live, why, how sure, and what comes next."""
    opened = [open_project(folder) for folder in [project, *(others or [])]]
    with open_page(opened, port=port) as page:
        if json:
            print_record(PageRecord(page=page.url))
        else:
            console.print(f"the page: {page.url}   (Ctrl-C stops it)")
        page.serve()
