"""`mlops doctor`."""

from __future__ import annotations

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlops_lab.cli.flags import given_settings
from mlops_lab.cli.shared import HERE, Folder, Json, print_record
from mlops_lab.doctor.records import CheckResult, Examination
from mlops_lab.doctor.run import admit, examine
from mlops_lab.status.wording import format_count

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "off": "dim"}


def command(project: Folder = HERE, json: Json = False) -> None:
    """Look at all that the project needs: machine, disk, packages, tables, server. Nothing is changed.

    Ends with 1 where something fails. It works in a broken project, too.
    """
    found = examine(admit(project, flags=given_settings()))
    if json:
        print_record(found)
    else:
        render(found, Console())
    if found.failed:
        raise typer.Exit(1)


def render(found: Examination, out: Console) -> None:
    """Print a line for each check, with its hint, and the sums."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("state", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    for result in found.checks:
        table.add_row(Text(result.state, _STYLES[result.state]), result.name, _describe(result))
    out.print(table)
    out.print()
    failed = Text(f"{format_count(found.failed, 'check')} failed", "bold red" if found.failed else "green")
    out.print(Text.assemble(failed, f", {found.warned} warned, of {len(found.checks)}"))


def _describe(result: CheckResult) -> Text:
    if result.hint is None:
        return Text(result.seen)
    return Text.assemble(result.seen, (f"\nhint: {result.hint}", "dim" if result.state == "off" else "cyan"))
