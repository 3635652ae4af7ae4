"""`mlops export TOOL DIR`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.exports import ExportCheck, ExportList, ExportTool, make_record
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record, print_table
from mlops_lab.errors import NotFound, Refused
from mlops_lab.exporters.catalog import EXPORTERS
from mlops_lab.exporters.exporter import Exporter


def make_app(exporters: Sequence[Exporter]) -> typer.Typer:
    """A command for each exporter; its help is the exporter's summary."""
    group = typer.Typer(add_completion=False, no_args_is_help=True)
    group.callback()(_root)
    for exporter in exporters:
        group.command(name=exporter.name, help=exporter.summary)(_make_command(exporter))
    group.command(name="list", help="List the tools: what each gets, and how it was tested.")(_make_list(exporters))
    check = "Say what an export into the folder would change; end with 1 if anything."
    group.command(name="check", help=check)(_make_check(exporters))
    return group


def _root() -> None:
    """The project for other tools."""


def _make_check(exporters: Sequence[Exporter]) -> Callable[..., None]:
    def command(
        tool: Annotated[str, typer.Argument(help="The tool, as `mlops export list` names it.")],
        folder: Path,
        project: Folder = HERE,
        json: Json = False,
    ) -> None:
        by_name = {exporter.name: exporter for exporter in exporters}
        if tool not in by_name:
            hint = f"there are {', '.join(by_name)}"
            raise NotFound(f'there is no tool "{tool}"', code="unknown_tool", where="TOOL", hint=hint)
        states = by_name[tool].compare(open_project(project), folder)
        if json:
            print_record(ExportCheck(folder=str(folder), files=states))
        else:
            for name, state in states.items():
                print(f"{state:8} {name}")
        if set(states.values()) - {"same"}:
            hint = f"export into a new folder: mlops export {tool} DIR"
            refuse(Refused(f"{folder} is not what would be written now", code="differs", hint=hint))

    return command


def _make_list(exporters: Sequence[Exporter]) -> Callable[..., None]:
    def command(json: Json = False) -> None:
        if json:
            print_record(ExportList(tools=[_describe(tool) for tool in exporters]))
            return
        table = Table("tool", "what it gets", "how it was tested", box=None, header_style="bold")
        for tool in exporters:
            table.add_row(tool.name, tool.summary, tool.tested)
        print_table(table)

    return command


def _describe(tool: Exporter) -> ExportTool:
    return ExportTool(
        name=tool.name,
        summary=tool.summary,
        writes=list(tool.writes),
        tested=tool.tested,
        read_by=tool.read_by,
        said=tool.said,
        unchecked=tool.unchecked,
    )


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
