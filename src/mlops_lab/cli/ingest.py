"""`mlops ingest TABLE FILE`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.tables import IngestRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.intake.deliver import deliver_facts


def command(
    table: Annotated[str, typer.Argument(help="A table that mlops.toml declares.")],
    file: Annotated[
        str, typer.Argument(help="CSV, Parquet or JSON lines with the table's fields, here or at https:// or s3://.")
    ],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Send rows to the project's server; if none is running, log them for the next tick."""
    counts = deliver_facts(open_project(project), table, file)
    if json:
        print_record(msgspec.convert(counts, IngestRecord))
    else:
        print(", ".join(f"{count} {what}" for what, count in counts.items() if isinstance(count, int)) or "no rows")
