"""`mlops outcomes FILE`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json
from mlops_lab.errors import Refused
from mlops_lab.intake.deliver import deliver_outcomes
from mlops_lab.status.words import count

LISTED = 10
_BECAME = {
    "accepted": "accepted: joined to their predictions",
    "duplicate": "known already: the same again changes nothing",
    "conflict": "refused: another outcome of the same prediction was accepted before",
    "unknown": "kept aside: no recent prediction has that id",
    "too_early": "refused: known before the prediction was made",
}


def command(
    file: Annotated[
        Path,
        typer.Argument(help="CSV, Parquet or JSON lines: id, known_at (optional with clock = wall), outcome fields."),
    ],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Send outcomes to the project's server; if none is running, log them for the next tick."""
    told = deliver_outcomes(open_project(project), file)
    if json:
        print_json(told)
    else:
        _print(told, file)
    if told["problems"]:
        refuse(
            Refused(
                f"{len(told['problems'])} outcomes were not accepted",
                code="outcomes_refused",
                hint="--json lists all of them"
                if len(told["problems"]) > LISTED and not json
                else "each is listed above",
            )
        )


def _print(told: dict[str, Any], file: Path) -> None:
    counts = {verdict: number for verdict, number in told["counts"].items() if number}
    print(f"{file.name}: {count(sum(counts.values()), 'outcome')}")
    for verdict, number in counts.items():
        print(f"  {number:,} {_BECAME[verdict]}")
    for problem in told["problems"][:LISTED]:
        print(f"  {_row(problem['where'])}: {problem['what']}")
    if len(told["problems"]) > LISTED:
        print(f"  … and {len(told['problems']) - LISTED:,} more")


def _row(where: str) -> str:
    """`$.outcomes[3]` as the row of the file, counted from 1."""
    found = re.search(r"\[(\d+)\]", where)
    return f"row {int(found[1]) + 1}" if found else where
