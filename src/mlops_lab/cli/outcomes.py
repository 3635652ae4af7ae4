"""`mlops outcomes FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json
from mlops_lab.errors import Refused
from mlops_lab.loop.deliver import deliver_outcomes


def command(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines: id, known_at and the outcome fields.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Send outcomes to the project's server; where none runs, write them down for the next tick."""
    told = deliver_outcomes(open_project(project), file)
    if json:
        print_json(told)
    else:
        print(", ".join(f"{count} {verdict}" for verdict, count in told["counts"].items() if count) or "no outcomes")
        for problem in told["problems"]:
            print(f"{problem['where']}: {problem['what']}")
    if told["problems"]:
        refuse(
            Refused(
                f"{len(told['problems'])} outcomes were not accepted",
                code="outcomes_refused",
                hint="each is listed above",
            )
        )
