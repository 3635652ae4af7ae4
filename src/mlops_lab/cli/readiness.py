"""`mlops readiness`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.errors import Refused
from mlops_lab.lineage.readiness.assess import assess
from mlops_lab.lineage.readiness.records import Maturity, NextStep, Readiness, SectionResult, TestResult
from mlops_lab.project.readiness_section import RUBRIC_TESTS
from mlops_lab.status.wording import format_count

_STYLES = {0.0: "red", 0.5: "yellow", 1.0: "green"}


class SectionName(StrEnum):
    """The sections of the rubric."""

    DATA = "data"
    MODEL = "model"
    INFRASTRUCTURE = "infrastructure"
    MONITORING = "monitoring"


def command(
    section: Annotated[
        SectionName | None, typer.Option("--section", help="Show this section only.", show_default="all")
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option("--at-least", min=0, max=len(RUBRIC_TESTS), help="End with 1 where the sum is below this."),
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Score the project by the 28 tests of the ML Test Score, and its level of maturity, from evidence.

    Sums are always those of all sections.
    """
    found = assess(open_project(project))
    shown = [item for item in found.sections if section is None or item.section == section]
    if json:
        print_record(msgspec.structs.replace(found, sections=shown))
    else:
        render(found, shown, Console())
    for problem in found.problems:
        console.print(f"warning: counts for nothing: {problem}", style="yellow", markup=False, soft_wrap=True)
    if at_least is not None and found.points < at_least:
        what = f"{format_points(found.points)} points are fewer than {format_points(at_least)}"
        hint = f"the cheapest next: {found.next[0].mend}" if found.next else None
        refuse(Refused(what, code="not_ready", where="--at-least", hint=hint))


def render(found: Readiness, shown: list[SectionResult], out: Console) -> None:
    """Print the sections, a table each; then the sums, the level, and what brings the next points."""
    for section in shown:
        out.print(_section(section))
        out.print()
    out.print(_sums(found))
    out.print()
    out.print(_level(found.maturity))
    if found.next:
        out.print()
        out.print(_next(found.next))


def format_points(points: float) -> str:
    """`0`, `0.5`, `12`."""
    return f"{points:g}"


def _section(section: SectionResult) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("pts", justify="right", no_wrap=True)
    table.add_column("#", no_wrap=True)
    table.add_column(f"{section.title}: {format_points(section.points)} of 7", overflow="fold")
    for item in section.tests:
        number = item.test.rpartition(".")[2]
        table.add_row(Text(format_points(item.points), _STYLES[item.points]), number, _describe(item))
    return table


def _describe(item: TestResult) -> Group:
    on = f" ({item.on})" if item.on else ""
    lines: list[Text | Table] = [Text(item.name, "bold"), Text(f"{item.evidence}{on}")]
    if item.declared is not None:
        what = "declared" if item.declared.counts else "declared, which counts for nothing beside the evidence,"
        age = ", more than a year ago: test it again" if item.declared.is_old else ""
        said = f"{what} by {item.declared.by} on {item.declared.on}{age}: {item.declared.note}"
        lines.append(Text(said, "yellow"))
    commands = [("show", item.show), *([("mend", item.mend)] if item.mend is not None else [])]
    return Group(*lines, _grid(commands))


def _grid(rows: Sequence[tuple[str, ...]]) -> Table:
    """Dim lines, of which all but the last column never wrap."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        grid.add_row(*(Text(cell, "dim") for cell in row))
    for column in grid.columns[:-1]:
        column.no_wrap = True
    return grid


def _sums(found: Readiness) -> Text:
    declared = found.points - found.points_by_evidence
    sums = ", ".join(f"{section.section} {format_points(section.points)}" for section in found.sections)
    return Text.assemble(
        (f"{format_points(found.points)} of {len(RUBRIC_TESTS)} points", "bold"),
        f": {format_points(found.points_by_evidence)} by evidence, {format_points(declared)} declared\n",
        (f"ML Test Score {format_points(found.score)} of 7", "bold"),
        f", the least of {sums}: {found.meaning}",
    )


def _level(maturity: Maturity) -> Group:
    title = Text.assemble((f"Maturity level {maturity.level} of 2", "bold"), f": {maturity.name}")
    missing = [item for item in maturity.criteria if not item.met]
    return Group(title, _grid([(f"level {item.level}", f"{item.name}? {item.evidence}") for item in missing]))


def _next(steps: Sequence[NextStep]) -> Group:
    rows = [(step.effort, _about(step), step.mend) for step in steps]
    return Group(Text("The next points, the cheapest first", "bold"), _grid(rows))


def _about(step: NextStep) -> str:
    return step.tests[0] if len(step.tests) == 1 else format_count(len(step.tests), "test")
