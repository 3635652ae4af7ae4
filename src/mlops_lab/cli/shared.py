"""What the commands share: options, the project, ways to print."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from mlops_lab.cli.flags import given_settings
from mlops_lab.cli.records.tables import ByTable
from mlops_lab.clock import parse_moment
from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project, find_project

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Folder = Annotated[Path, typer.Option("--project", help="The project's folder.", show_default="here, or above")]
At = Annotated[str | None, typer.Option("--at", help="The time to use as now, such as 2013-03-02T05:00:00Z.")]

console = Console(stderr=True)
HERE = Path()
_AS_PYTHON_WRITES = (datetime, date, time, timedelta, Decimal)


def open_project(folder: Path, *settings: str) -> Project:
    """The project in the folder or above it, with the settings of `--set` and of a command's own flags."""
    return find_project(folder, flags=[*given_settings(), *settings])


def parse_at(text: str | None) -> datetime | None:
    """The moment given with --at, or None."""
    return parse_moment(text) if text else None


def parse_day(text: str, option: str) -> date:
    """The day given with an option; InvalidInput names the option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f'"{text}" is not a day', code="bad_day", where=option, hint="write it as 2013-03-01"
        ) from None


ASKED = "a person asked for it"
"""The reason of a decision for which none was given."""


def print_record(record: msgspec.Struct, *, rows: tuple[str, Iterable[dict[str, Any]]] | None = None) -> None:
    """Print a record as one JSON object on one line of stdout.

    `rows` names one more key and the rows that are its value; they are printed one by one, and never all in memory.
    """
    text = encode_record(record)
    if rows is None:
        print(text, flush=True)
        return
    name, items = rows
    sys.stdout.write(f"{text[:-1]}, {json.dumps(name)}: [")
    separator = ""
    for item in items:
        sys.stdout.write(separator + json.dumps(item, default=str))
        separator = ", "
    sys.stdout.write("]}\n")


def encode_record(record: msgspec.Struct) -> str:
    """The record as JSON text; values that JSON does not have (moments, dates) as Python writes them."""
    data = msgspec.to_builtins(record, str_keys=True, builtin_types=_AS_PYTHON_WRITES, enc_hook=_to_builtin)
    if isinstance(record, ByTable):
        data |= data.pop("tables")
    return json.dumps(data, default=str)


def _to_builtin(value: Any) -> Any:
    """Numbers of other libraries that are subclasses of Python's; anything else as text."""
    return next((kind(value) for kind in (int, float) if isinstance(value, kind)), str(value))


def print_table(table: Table) -> None:
    """A table on stdout, as wide as the terminal."""
    Console().print(table)


def print_wrapped(text: str) -> None:
    """An indented paragraph on stdout, broken where the terminal ends; one line where there is none."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10**6
    print(textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))


def local(moment: datetime, project: Project) -> str:
    """A moment on the project's own clock, to the minute."""
    return f"{moment.astimezone(ZoneInfo(project.timezone)):%Y-%m-%d %H:%M}"
