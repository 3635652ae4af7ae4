"""`mlops validate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.ci.report import write_report
from mlops_lab.ci.validate import validate
from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.errors import Refused
from mlops_lab.files import disk_fault
from mlops_lab.project import find_project

_JOB_SUMMARY = "GITHUB_STEP_SUMMARY"


def command(
    report: Annotated[Path | None, typer.Option(help="Also write the report into this Markdown file.")] = None,
    live: Annotated[
        Path | None, typer.Option(help="The folder of the project that is live.", show_default="this project")
    ] = None,
    accept_suspicion: Annotated[
        bool, typer.Option("--accept-suspicion", help="Let a model pass that may be too good to be true.")
    ] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Train what the project says, run the gates against what is live, and write a report; nothing is changed.

    Ends with 1 where a gate or a check says no. In GitHub Actions the report is added to the summary of the job.
    """
    opened = open_project(project)
    with console.status("") as status:
        found = validate(
            opened,
            live=opened if live is None else find_project(live),
            accept_suspicion=accept_suspicion,
            report=lambda stage: status.update(stage),
        )
    text = write_report(found)
    if report is not None:
        _write(report, text, mode="w")
    if summary := os.environ.get(_JOB_SUMMARY):
        _write(Path(summary), text, mode="a")
    if json:
        print_record(found)
    else:
        print(text)
    if not found.passed:
        names = ", ".join(check.name for check in found.checks if check.counts and not check.passed)
        refuse(Refused(f"the change is refused by {names}", code="refused", hint="the report says why"))


def _write(path: Path, text: str, *, mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise disk_fault(error, path) from error
