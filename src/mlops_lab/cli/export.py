"""`mlops export feast DIR`."""

from __future__ import annotations

from pathlib import Path

import typer

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json
from mlops_lab.exporters.feast import export_feast

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The project for other tools."""


@app.command()
def feast(folder: Path, project: Folder = HERE, json: Json = False) -> None:
    """A Feast feature repository over the same lake tables: the same values, offline and online."""
    rows = export_feast(open_project(project), folder)
    if json:
        print_json({"folder": str(folder), "rows": rows})
        return
    for view, count in rows.items():
        print(f"{view}: {count:,} rows")
    print(f"`feast apply` in {folder}; its README.md says more")
