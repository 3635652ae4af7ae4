"""`mlops explain ID`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json, print_table
from mlops_lab.lineage.explain import explain, in_words


def command(
    prediction_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a prediction.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Request, features, version, run, training data, code, environment, outcome."""
    found = explain(open_project(project), prediction_id)
    if json:
        print_json(found)
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    for name, text in in_words(found):
        table.add_row(name, text)
    print_table(table)
