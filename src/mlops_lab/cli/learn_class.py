"""`mlops learn export` and `mlops learn report`: for who teaches a class."""

from __future__ import annotations

import secrets
import shlex
from collections import Counter
from enum import StrEnum
from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.records.teach import ClassRecord, HandoutRecord
from mlops_lab.cli.shared import Json, console, print_record, print_table
from mlops_lab.cli.summary import NONE, make_table
from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.learn.catalog import PHASES, read_exercises
from mlops_lab.learn.class_report import LabProgress, StudentProgress, read_class
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.handout.archive import write_zip, write_zips
from mlops_lab.learn.handout.classroom import write_repository
from mlops_lab.learn.handout.nbgrader import write_course
from mlops_lab.learn.handout.otter import write_notebooks
from mlops_lab.learn.handout.selection import SEEDS, read_students, select
from mlops_lab.learn.labs.data.layout import SHOP
from mlops_lab.starter.requirement import require_package


class Format(StrEnum):
    """What exercises are handed out as."""

    ZIP = "zip"
    CLASSROOM = "classroom"
    NBGRADER = "nbgrader"
    OTTER = "otter"


def export(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The file or folder to write.", show_default=False)],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME …]", help="Exercises or phases.", show_default="all")
    ] = None,
    to: Annotated[
        Format,
        typer.Option("--to", help="A zip file, a repository for GitHub Classroom, or a course for nbgrader or Otter."),
    ] = Format.ZIP,
    students: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With zip: a file of names; each gets a zip file, with other data."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEEDS - 1, help="The seed of the hidden data.", show_default="random")
    ] = None,
    json: Json = False,
) -> None:
    """Write exercises for a class. They are checked with `mlops learn check`, by students and by you."""
    if students is not None and to is not Format.ZIP:
        hint = "in GitHub Classroom each repository has other data without it; in nbgrader and Otter all have the same"
        raise InvalidInput("is for zip files", code="bad_option", where="--students", hint=hint)
    exercises = select(names or [])
    of = read_students(students) if students else []
    number = secrets.randbelow(SEEDS) if seed is None else seed
    _write(to, target, exercises=exercises, students=of, seed=number)
    if json:
        print_record(
            HandoutRecord(
                to=to,
                path=str(target.absolute()),
                exercises=[exercise.name for exercise in exercises],
                seed=number,
                students=of,
            )
        )
    else:
        files = f", a file for each of {len(of)} students" if of else ""
        print(f"{len(exercises)} exercises in {target}{files}; seed {number}")


def _write(to: Format, target: Path, *, exercises: list[Exercise], students: list[str], seed: int) -> None:
    requirement = require_package(distribution("mlops-lab"))
    if to is Format.CLASSROOM:
        with fill_new_folder(target) as folder:
            write_repository(folder, exercises, seed=seed, requirement=requirement)
        return
    line = "mlops-lab" if requirement.wheel else shlex.quote(requirement.line)  # no wheel is handed out with it
    if to is Format.NBGRADER:
        with fill_new_folder(target) as folder:
            write_course(folder, exercises, seed=seed, requirement=line)
    elif to is Format.OTTER:
        with fill_new_folder(target) as folder:
            write_notebooks(folder, exercises, seed=seed, requirement=line)
    elif students:
        write_zips(target, exercises, students, seed=seed, requirement=line)
    else:
        write_zip(target, exercises, seed=seed, requirement=line)


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder with the students' folders.")],
    json: Json = False,
) -> None:
    """Show how far each student is with exercises and labs, from the files below a folder.

    They are what students handed in: to be sure, run `mlops learn check` or `mlops lab check` on it.
    """
    found = read_class(folder)
    of = Counter(exercise.phase for exercise in read_exercises())
    if json:
        record = ClassRecord(of=of, students=found.students, labs=found.labs, unreadable=found.unreadable)
        print_record(record)
    else:
        _show_exercises(found.students, of)
        _show_labs(found.labs)
    for problem in found.unreadable:
        console.print(f"warning: {problem}", style="yellow", markup=False, soft_wrap=True)


def _show_exercises(students: list[StudentProgress], of: Counter[str]) -> None:
    if not students:
        return
    table = make_table("student", *(f">{phase}" for phase in PHASES), ">hints", "last solved")
    for row in students:
        counts = (f"{row.solved[phase]} of {of[phase]}" for phase in PHASES)
        table.add_row(row.student, *counts, str(row.hints), (row.last_activity or NONE)[:10])
    print_table(table)


def _show_labs(labs: list[LabProgress]) -> None:
    if not labs:
        return
    table = make_table("student", "lab", ">checks", "open", ">hints", "last passed")
    for row in labs:
        checks = f"{len(row.passed)} of {len(row.passed) + len(row.open)}"
        names = ", ".join(row.open) or NONE
        name = row.lab if row.data == SHOP else f"{row.lab} ({row.data})"
        table.add_row(row.student, name, checks, names, str(row.hints), (row.last_activity or NONE)[:10])
    print_table(table)
