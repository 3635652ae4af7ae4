"""What the commands share: options, the project, ways to print."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from mlops_lab.cli.flags import flags_said
from mlops_lab.clock import parse_moment
from mlops_lab.project import Project, find_project

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Folder = Annotated[Path, typer.Option("--project", help="The project's folder.", show_default="here, or above")]
At = Annotated[str | None, typer.Option("--at", help="The time to use as now, such as 2013-03-02T05:00:00Z.")]

talk = Console(stderr=True)
HERE = Path()


def open_project(folder: Path) -> Project:
    """The project in the folder or above it, with what `--set` said."""
    return find_project(folder, flags=flags_said())


def parse_at(text: str | None) -> datetime | None:
    """The moment given with --at, or None."""
    return parse_moment(text) if text else None


def print_json(data: Any) -> None:
    """One JSON object on stdout."""
    print(json.dumps(data, default=str))


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
