"""`mlops score FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json
from mlops_lab.errors import InvalidInput
from mlops_lab.loop.score import score
from mlops_lab.serving.journal import disk_fault


def command(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines with the request fields.")],
    out: Annotated[Path | None, typer.Option(help="A .csv or .parquet file; without it, CSV on stdout.")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Answer every request of the file by the champion."""
    if out is not None and out.suffix not in {".csv", ".parquet"}:
        raise InvalidInput(
            f'"{out.suffix}" files cannot be written', code="unknown_format", where="--out", hint="use .csv or .parquet"
        )
    answers = score(open_project(project), file)
    if json:
        print_json({"rows": answers.height, "answers": answers.to_dicts()})
    elif out is None:
        print(answers.write_csv(), end="")
    else:
        try:
            answers.write_parquet(out) if out.suffix == ".parquet" else answers.write_csv(out)
        except OSError as error:
            raise disk_fault(error, out) from error
        print(f"{answers.height} answers in {out}")
