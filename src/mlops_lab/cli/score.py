"""`mlops score FILE`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from msgspec import UNSET, UnsetType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mlops_lab.cli.records.predictions import ScoreRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.errors import InvalidInput
from mlops_lab.lake.sinks import CSV, PARQUET, check_target, choose_format, open_sink
from mlops_lab.scoring.score import ScoringResult, Watch, score


def command(
    file: Annotated[
        str,
        typer.Argument(
            help="Requests: CSV, Parquet or JSON lines, here or at https:// or s3://; a folder of such files; or a "
            "Delta table."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The .csv, .parquet or .delta to write; without it, CSV goes to stdout.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="csv, parquet or delta; overrides the suffix of --out.", metavar="FORMAT")
    ] = None,
    requests: Annotated[
        bool, typer.Option("--requests", help="Also write the request fields, between ids and answers.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    encoding: Annotated[
        str | None, typer.Option(help="The encoding of text that is not UTF-8, if not that of the project's data.")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Answer every request of a file with the champion, as of the request's own time.

    The output has one row for each request: the id (the column `id`, or the id of the source table), the answer, the
    version, and the error of a row without an answer; without ids, the request fields. It is written completely or not
    at all. Other columns are ignored.
    """
    opened = open_project(project, *([f"source.encoding={encoding}"] if encoding else []))
    if out is not None:
        kind = choose_format(out, format)
        check_target(out, kind, overwrite=overwrite)  # before the work, not after it
        with open_sink(out, kind, overwrite=overwrite) as write, _bar() as watch:
            scored = score(opened, file, write=write, watch=watch, with_requests=requests)
        if json:
            print_record(_record(scored, file=str(out)))
        else:
            print(f"{scored.rows} answers in {out}")
    else:
        if format not in {None, CSV}:
            hint = "name a file: --out FILE"
            raise InvalidInput(f'"{format}" is not for stdout', code="unknown_format", where="--format", hint=hint)
        with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
            staged = Path(folder) / "answers"
            with open_sink(staged, PARQUET if json else CSV) as write, _bar() as watch:
                scored = score(opened, file, write=write, watch=watch, with_requests=requests)
            if json:
                print_record(_record(scored), rows=("answers", _read_answers(staged)))
            else:
                _copy(staged)
    if scored.unanswered:
        console.print(f"{scored.unanswered} of them have no answer: the column `error` says why")


@contextmanager
def _bar() -> Iterator[Watch]:
    """A progress bar, on a terminal."""
    if not console.is_terminal:
        yield lambda _rows, _of: None
        return
    columns = [MofNCompleteColumn(), TextColumn("requests"), BarColumn(bar_width=30), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda rows, of: bar.update(task, completed=rows, total=of)


def _copy(staged: Path) -> None:
    """The CSV on stdout."""
    sys.stdout.flush()
    with staged.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)


def _record(scored: ScoringResult, *, file: str | UnsetType = UNSET) -> ScoreRecord:
    return ScoreRecord(rows=scored.rows, unanswered=scored.unanswered, version=scored.version, file=file)


def _read_answers(staged: Path) -> Iterator[dict[str, Any]]:
    """All answers, never all of them in memory."""
    for rows in pl.scan_parquet(staged, glob=False).collect_batches(maintain_order=True):
        yield from rows.iter_rows(named=True)
