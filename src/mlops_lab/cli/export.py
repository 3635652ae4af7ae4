"""`mlops export TOOL DIR`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from mlops_lab.cli.records.exports import make_record
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.exporters.catalog import EXPORTERS
from mlops_lab.exporters.exporter import Exporter


def make_app(exporters: Iterable[Exporter]) -> typer.Typer:
    """A command for each exporter; its help is the exporter's summary."""
    group = typer.Typer(add_completion=False, no_args_is_help=True)
    group.callback()(_root)
    for exporter in exporters:
        group.command(name=exporter.name, help=exporter.summary)(_make_command(exporter))
    return group


def _root() -> None:
    """The project for other tools."""


def _make_command(exporter: Exporter) -> Callable[..., None]:
    def command(folder: Path, project: Folder = HERE, json: Json = False) -> None:
        report = exporter.export(open_project(project), folder)
        if json:
            print_record(make_record(exporter.name, folder=str(folder), details=report.details))
            return
        for line in report.lines:
            print(line)
        print(f"written to {folder}; its README.md says more")

    return command


app = make_app(EXPORTERS)
