"""`mlops init NAME --data FILE_OR_URI --target COLUMN`, or `mlops init --sample shop`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlops_lab.cli.records.projects import ColumnRecord, InitRecord
from mlops_lab.cli.shared import Json, console, print_record, print_table
from mlops_lab.errors import InvalidInput
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.read_options import ReadOptions, check_decimal, split_names
from mlops_lab.lake.sources import read_data
from mlops_lab.notes import listening
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.analysis import RoleAssignment, TableAnalysis
from mlops_lab.starter.choose_model import choose_model
from mlops_lab.starter.options import InitOptions, UserQuestion, take_default
from mlops_lab.starter.rehearse import rehearse
from mlops_lab.starter.requirement import PackageRequirement, require_package
from mlops_lab.starter.samples import SAMPLES, Sample, find_sample, read_sample
from mlops_lab.starter.write import (
    check_folder,
    is_on_this_machine_only,
    locate_data,
    make_project,
    name_extra,
    write_files,
)

_SHOWN_COLUMNS = 60


def command(
    name: Annotated[
        Path | None,
        typer.Argument(
            help="The folder to make; its last part is the project's name.", show_default="that of --sample"
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="A file (here, or at https:// or s3://), a folder of files, a Delta table, or a database URL."
        ),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help=f"Instead of --data: a table to start with, {' or '.join(SAMPLES)}.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    query: Annotated[str | None, typer.Option(help="For a database: the SELECT that returns the data.")] = None,
    time: Annotated[
        str | None, typer.Option(help='The column with the time of a row; "none" if there is none.')
    ] = None,
    key: Annotated[str | None, typer.Option(help="The column that identifies who or what a request is about.")] = None,
    id: Annotated[str | None, typer.Option(help="The column that identifies a row.")] = None,
    task: Annotated[str, typer.Option(help="auto, binary, multiclass or regression.")] = "auto",
    encoding: Annotated[
        str | None, typer.Option(help="The encoding of text that is not UTF-8, such as cp1251.")
    ] = None,
    names: Annotated[
        str | None, typer.Option(help="The names of the columns, where the first line has none: a,b,c.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help='The character before decimals in text: "." or ",".')] = None,
    format: Annotated[
        str | None, typer.Option(help='How moments are written, where that is not clear: "%d/%m/%y".')
    ] = None,
    na: Annotated[list[str] | None, typer.Option(help="One more mark of a missing value; can be repeated.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="A column that is not read; can be repeated.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask no questions.")] = False,
    json: Json = False,
) -> None:
    """Read a table, report what it is, and write a project that fits it."""
    table = _choose_sample(name, data=data, sample=sample)
    folder = name or Path(sample or "")
    project = check_folder(folder)
    asks = sys.stdin.isatty() and not yes and not json
    options = ReadOptions(encoding, split_names(names), check_decimal(decimal), tuple(na or ()), sheet)
    skipped = frozenset(skip or ())
    selection = ColumnSelection(skip=skipped, options=options, must_have={"--skip": skipped})
    with console.status("reading"):
        frame = read_sample(table) if table else read_data(data or "", query=query, selection=selection)
    located = f"data/{table.file}" if table else locate_data(data or "", folder)
    usual = table.options if table else InitOptions(target or _ask_target(frame, asks=asks))
    choices = InitOptions(
        target=target or usual.target,
        time=time or usual.time,
        key=key or usual.key,
        id=id or usual.id,
        task=task,
        format=format,
    )
    found = analyse_table(frame, choices, ask=_ask if asks else take_default)
    with console.status("comparing models"):
        chosen = choose_model(frame, found)
    requirement = require_package(distribution("mlops-lab"), name_extra(located))
    found = replace(found, notes=(*found.notes, chosen.note, *_note_places(located, requirement, table)))
    files = write_files(
        project,
        found,
        data=located,
        query=query,
        requirement=requirement,
        selection=selection,
        chosen=chosen,
        about=table.origin if table else "",
    )
    if table:
        files[located] = table.write()
    with console.status("checking"), listening(lambda _: None):  # what it would tell is in the report
        make_project(folder, files, check=partial(rehearse, frame=frame, example=found.example, data=data or located))
    if json:
        print_record(_record(project, folder.absolute(), found, files=list(files)))
    else:
        _report(found)
        print(f"\n{project} is written: {', '.join(files)}\nnext:  cd {folder} && mlops up")


def _choose_sample(name: Path | None, *, data: str | None, sample: str | None) -> Sample | None:
    """The sample that is asked for; None for data. InvalidInput where it is neither, or both."""
    if data and sample:
        hint = "name one of them; nothing was changed"
        raise InvalidInput("--data and --sample exclude each other", code="bad_choice", where="--sample", hint=hint)
    if sample:
        return find_sample(sample)
    if not data:
        hint = f"name your data: mlops init NAME --data FILE; or take a table of ours: --sample {next(iter(SAMPLES))}"
        raise InvalidInput("is not given", code="no_data", where="--data", hint=hint)
    if name is None:
        raise InvalidInput("is not given", code="no_name", where="NAME", hint=f"mlops init my-shop --data {data}")
    return None


def _note_places(data: str, requirement: PackageRequirement, table: Sample | None) -> Iterator[str]:
    """What there is to know before the project goes to another machine."""
    if table:
        yield table.origin
    if is_on_this_machine_only(data):
        yield f"mlops.toml names the data by its place on this machine, {data}: elsewhere, set MLOPS_SOURCE__DATA"
    if requirement.wheel:
        yield (
            f"requirements.txt installs {requirement.wheel_path} ({len(requirement.wheel) / 1e6:.1f} MB), packed from "
            "MLOps Lab as it is installed here: commit it with the project"
        )


def _ask_target(frame: pl.DataFrame, *, asks: bool) -> str:
    if not asks:
        shown = ", ".join(frame.columns[:20]) + (" ..." if frame.width > 20 else "")
        hint = f"name the column to predict: --target COLUMN; the data has {shown}"
        raise InvalidInput("is not given", code="no_target", where="--target", hint=hint)
    print(", ".join(frame.columns), file=sys.stderr)
    answer: str = typer.prompt("which column is to be predicted?", err=True)
    return answer


def _ask(question: UserQuestion) -> str:
    """The answer of the person, asked again until it is one of the choices."""
    text = f"{question.text} ({', '.join(question.choices)})"
    while True:
        answer: str = typer.prompt(text, default=question.default, err=True)
        if answer in question.choices:
            return answer
        print(f"{answer!r} is none of them", file=sys.stderr)


# ---- the report ------------------------------------------------------------------------------------------------------


def _report(found: TableAnalysis) -> None:
    table = Table(box=None, header_style="bold")
    for title in ("column", "type", "missing", "values", "role", "note"):
        table.add_column(title, overflow="fold", justify="right" if title == "missing" else "left")
    for one in found.columns[:_SHOWN_COLUMNS]:
        style = {"target": "green", "left out": "dim"}.get(one.role, "yellow" if one.note else "")
        table.add_row(*(escape(cell) for cell in _row(one, key=found.key)), style=style)
    print_table(table)
    if more := len(found.columns) - _SHOWN_COLUMNS:
        print(f"... and {more:,} more columns; --json lists all" if more > 0 else "", end="\n" if more > 0 else "")
    print()
    summary = Table(box=None, show_header=False)
    summary.add_column(style="bold")
    summary.add_column(overflow="fold")
    summary.add_row("rows", f"{found.rows:,}")
    summary.add_row("task", escape(_task(found)))
    for note in found.notes:
        summary.add_row("note", escape(note))
    Console().print(summary)


def _row(one: RoleAssignment, *, key: str | None) -> tuple[str, ...]:
    column = one.column
    name = column.name if column.name == column.field or one.role == "left out" else f"{column.name} → {column.field}"
    missing = f"{column.missing / column.rows:.1%}" if column.missing else ""
    if column.kind in {"integer", "float"} and column.span is not None:
        values = f"{column.span[0]:g} to {column.span[1]:g}"
    else:
        values = f"{column.distinct:,}: " + ", ".join(
            value[:16] for value in column.examples[: 1 if column.kind == "datetime" else 2]
        )
    role = f"{one.role}, key" if column.field == key and one.role != "key" else one.role
    return name, column.kind, missing, values, role, one.note


def _task(found: TableAnalysis) -> str:
    if found.task == "regression":
        span = found.target.span or (0.0, 0.0)
        return f"regression: {found.target.field}, from {span[0]:g} to {span[1]:g}"
    total = sum(found.counts.values())
    shares = ", ".join(f"{name} {count / total:.1%}" for name, count in list(found.counts.items())[:8])
    kind = "binary" if len(found.counts) == 2 else "multiclass"
    return f"{kind}: {found.target.field} ({shares}{', ...' if len(found.counts) > 8 else ''})"


def _record(project: str, folder: Path, found: TableAnalysis, *, files: list[str]) -> InitRecord:
    columns = [
        ColumnRecord(
            name=assigned.column.name,
            field=assigned.column.field,
            type=assigned.column.type,
            missing=assigned.column.missing,
            distinct=assigned.column.distinct,
            role=assigned.role,
            note=assigned.note,
        )
        for assigned in found.columns
    ]
    return InitRecord(
        project=project,
        folder=str(folder),
        rows=found.rows,
        task=found.task,
        target=found.target.field,
        classes=found.counts,
        order=found.order,
        key=found.key,
        columns=columns,
        notes=list(found.notes),
        files=files,
    )
