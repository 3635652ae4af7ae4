"""`mlops outcomes FILE`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.predictions import OutcomesRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.errors import Refused
from mlops_lab.intake.deliver import deliver_outcomes
from mlops_lab.status.wording import format_count

LISTED = 10
_BECAME = {
    "accepted": "accepted: joined to their predictions",
    "corrected": "accepted: they count instead of the ones before",
    "duplicate": "known already: nothing changed",
    "conflict": "refused: another outcome of the same prediction was accepted before",
    "unknown": "stored without a prediction: none has that id",
    "too_late": "stored without their predictions: these wait for no outcome any more",
    "too_early": "refused: known before the prediction was made",
}


def command(
    file: Annotated[
        str,
        typer.Argument(
            help="CSV, Parquet or JSON lines, here or at https:// or s3://: id, known_at (optional with clock = wall), "
            "outcome fields."
        ),
    ],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Send outcomes to the project's server; if none is running, log them for the next tick."""
    result = msgspec.convert(deliver_outcomes(open_project(project), file), OutcomesRecord)
    if json:
        print_record(result)
    else:
        _print(result, file)
    if result.problems:
        some_are_missing = len(result.problems) > LISTED and not json
        hint = "--json lists all of them" if some_are_missing else "each is listed above"
        refuse(Refused(f"{len(result.problems)} outcomes were not accepted", code="outcomes_refused", hint=hint))


def _print(result: OutcomesRecord, file: str) -> None:
    counts = {verdict: number for verdict, number in result.counts.items() if number}
    print(f"{Path(file.partition('?')[0]).name}: {format_count(sum(counts.values()), 'outcome')}")
    for verdict, number in counts.items():
        print(f"  {number:,} {_BECAME[verdict]}")
    for problem in result.problems[:LISTED]:
        print(f"  {_row(problem.where or '')}: {problem.what}")
    if len(result.problems) > LISTED:
        print(f"  … and {len(result.problems) - LISTED:,} more")


def _row(where: str) -> str:
    """`$.outcomes[3]` as the row of the file, counted from 1."""
    match = re.search(r"\[(\d+)\]", where)
    return f"row {int(match[1]) + 1}" if match else where
