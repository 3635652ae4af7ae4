"""`mlops lab`: longer than exercises, on a project of the learner's own machine."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from mlops_lab.cli.records.labs import (
    LabHint,
    LabsRecord,
    LabVerdict,
    StartedLab,
    record_lab,
    record_lab_hint,
    record_outcome,
)
from mlops_lab.cli.shared import HERE, Json, console, print_record, print_table
from mlops_lab.cli.summary import make_table
from mlops_lab.errors import NotFound
from mlops_lab.learn.folder import README
from mlops_lab.learn.handout.selection import SEEDS
from mlops_lab.learn.labs.catalog import find_lab, read_labs
from mlops_lab.learn.labs.data.layout import SHOP
from mlops_lab.learn.labs.data.open import DataChoice
from mlops_lab.learn.labs.state import LabState, find_lab_folder, read_state
from mlops_lab.learn.labs.steps import WAITS, CheckOutcome, check_lab, start_lab, take_hint

MAX_WIDTH = 100
app = typer.Typer(add_completion=False, no_args_is_help=True)

LabFolder = Annotated[
    Path, typer.Argument(metavar="[DIR]", help="The folder of the lab.", show_default="here, or above")
]


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the labs: what each is about, and how long it takes."""
    labs = read_labs()
    if json:
        print_record(LabsRecord(labs=[record_lab(lab) for lab in labs]))
        return
    table = make_table("name", "what you do", ">hours")
    for lab in labs:
        table.add_row(lab.name, lab.text.summary, f"{lab.text.minutes / 60:g}")
    print_table(table)


@app.command()
def start(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The lab.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A new or empty folder.", show_default="./NAME")
    ] = None,
    data: Annotated[
        str, typer.Option(help="What it is about: shop (made-up orders), flights (of 2013), or a file of your own.")
    ] = SHOP,
    target: Annotated[
        str | None, typer.Option(help="For a file: the column to predict, with two values.", show_default=False)
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="For a file: the column with the time of a row.", show_default="found")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="For a file: the column that identifies whom a row is about.", show_default="made up"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEEDS - 1, help="The seed of its data.", show_default="random")
    ] = None,
    json: Json = False,
) -> None:
    """Make a lab on this machine: its story, as README.md, and the project that it is about. It takes a minute at most.

    The story says what must be true at the end; `mlops lab check` says what is. The shop is made quickest; the flights
    need `mlops-lab[flights]`. What a table of your own lacks (days, a key, an outcome known later) is made up.
    """
    lab = find_lab(name)
    made = folder or Path(lab.name)
    number = secrets.randbelow(SEEDS) if seed is None else seed
    with console.status(f"{lab.name} is being made"):
        start_lab(lab, made, seed=number, choice=DataChoice(data, target, time, key))
    story = made.absolute() / README
    if json:
        row = StartedLab(name=lab.name, folder=str(made.absolute()), story=str(story), seed=number, data=data)
        print_record(row)
        return
    print(f"{lab.text.title}: about {lab.text.minutes / 60:g} hours, in {made}")
    print(f"read   {os.path.relpath(story)}")
    print(f"then   cd {made} && mlops lab check")


@app.command()
def check(
    folder: LabFolder = HERE,
    only: Annotated[str | None, typer.Option(metavar="CHECK", help="Run this check alone.", show_default="all")] = None,
    json: Json = False,
) -> None:
    """Run the checks of a lab on a copy of its folder, and say what was seen. Exit code 1 where one does not pass."""
    found = find_lab_folder(folder)
    state = read_state(found)
    outcomes = []
    with console.status("checking") as status:
        for outcome in check_lab(found, only=only):
            outcomes.append(outcome)
            if not json:
                status.stop()
                _write_outcome(outcome)
                status.start()
    passed = all(outcome.passed for outcome in outcomes)
    if json:
        rows = [record_outcome(outcome) for outcome in outcomes]
        print_record(LabVerdict(name=state.lab, folder=str(found), passed=passed, checks=rows))
    else:
        _write_end(outcomes, read_state(found), alone=only is not None)
    if not passed:
        raise typer.Exit(1)


@app.command()
def hint(
    name: Annotated[
        str | None, typer.Argument(metavar="[CHECK]", help="The check.", show_default="the first that has not passed")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="The folder of the lab.", show_default="here, or above")
    ] = HERE,
    json: Json = False,
) -> None:
    """Show the next of three hints of a check: a question, then where to look, then what to do."""
    found = find_lab_folder(folder)
    if name is not None and (Path(name) / "mlops-lab.json").is_file():
        where = f"mlops lab hint --folder {name}"
        raise NotFound(f"{name} is a folder, not a check", code="unknown_check", hint=where)
    lab = read_state(found).lab
    text, step = take_hint(found, name)
    record = record_lab_hint(lab, text, step)
    if json:
        print_record(record)
    else:
        _write_hint(record)


def _console() -> Console:
    out = Console(highlight=False, markup=False)
    out.width = min(out.width, MAX_WIDTH)
    return out


def _write_outcome(outcome: CheckOutcome) -> None:
    """A line for a check; where it failed, what was seen and expected below it."""
    out, name = _console(), outcome.check.name
    if outcome.passed:
        out.print(Text("✓ ", "bold green").append(name, "bold").append(f"  {outcome.check.must}", "dim"))
    elif outcome.key == WAITS:
        out.print(Text("· ", "dim").append(name, "dim").append(f"  waits for {outcome.seen}", "dim"))
    else:
        out.print(Text("✗ ", "bold red").append(name, "bold").append(f"  {outcome.check.must}"))
        out.print(Text("    seen      ", "bold").append(outcome.seen, "not bold"))
        out.print(Text("    expected  ", "bold").append(outcome.expected, "not bold"))


def _write_end(outcomes: list[CheckOutcome], state: LabState, *, alone: bool) -> None:
    out = _console()
    right, of = sum(outcome.passed for outcome in outcomes), len(outcomes)
    if right == of and not alone:
        out.print(Text(f"\nAll {of} checks pass: {state.lab} is done.", "bold green"))
        return
    out.print(f"\n{right} of {of} pass")
    if right < of:
        failed = next(outcome.check.name for outcome in outcomes if not outcome.passed)
        out.print(f"Stuck? mlops lab hint {failed}", style="dim")


def _write_hint(record: LabHint) -> None:
    out = _console()
    out.print(Text(f"{record.check}, hint {record.step} of {record.steps}: ", "bold").append(record.hint, "not bold"))
    if record.step < record.steps:
        out.print(f"Another one: mlops lab hint {record.check}", style="dim")
