"""What a learner reads: the records of `mlops learn` in words."""

from __future__ import annotations

import os

from msgspec import Struct
from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from mlops_lab.cli.records.learn import (
    ExercisesRecord,
    FinishedRecord,
    HintRecord,
    SolutionRecord,
    TaskRecord,
    VerdictRecord,
)
from mlops_lab.cli.summary import NONE, make_table

LEXERS = {".py": "python", ".sh": "bash"}
MAX_WIDTH = 100


def _console() -> Console:
    console = Console(highlight=False)
    console.width = min(console.width, MAX_WIDTH)
    return console


def write_record(record: Struct) -> None:
    """Print a record for people."""
    match record:
        case TaskRecord():
            write_task(record)
        case VerdictRecord():
            write_verdict(record)
        case HintRecord():
            console = _console()
            console.print(Text(f"hint {record.step} of {record.steps}: ", "bold").append(record.hint, "not bold"))
            if record.step < record.steps:
                console.print("Another one: mlops learn hint", style="dim")
        case SolutionRecord():
            write_solution(record)
        case ExercisesRecord():
            write_list(record)
        case FinishedRecord():
            _console().print(f"All {record.solved} exercises are solved.", style="bold green")


def _join_lines(text: str) -> str:
    """Paragraphs without line breaks: they break where the terminal ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def write_task(task: TaskRecord) -> None:
    """Print the task of an exercise, and where its files are."""
    console = _console()
    console.print()
    console.rule(Text(f"{task.phase}: {task.title}", "bold"), align="left")
    console.print(Text(f"{task.name} · {task.topic} · about {task.minutes} minutes", "dim"))
    console.print()
    console.print(Text(_join_lines(task.story)))
    console.print()
    console.print(Text("Where it happened. ", "bold").append(_join_lines(task.world), "not bold"))
    console.print()
    for path in task.files:
        console.print(Text("edit  ").append(os.path.relpath(path), "cyan"), soft_wrap=True)
    if task.previous_files:
        console.print(Text(f"your files are kept in {os.path.relpath(task.previous_files)}"), soft_wrap=True)


def write_verdict(verdict: VerdictRecord) -> None:
    """Print a verdict: solved, or what was seen and what was expected."""
    console = _console()
    console.print()
    took = Text(f"   {verdict.seconds:.1f} s", "dim")
    if verdict.passed:
        console.print(Text(f"✓ {verdict.name} is solved", "bold green").append_text(took))
        console.print("Go on: mlops learn next. Our solution: mlops learn solution.", style="dim")
        return
    console.print(Text(f"✗ {verdict.name}", "bold red").append_text(took))
    lines = {"where": verdict.where, "seen": verdict.seen, "expected": verdict.expected}
    for name, text in lines.items():
        if text:
            console.print(Text(f"{name:<9} ", "bold").append(text, "not bold"))
    if verdict.printed:
        console.print(Text("printed", "bold"))
        console.print(Text(verdict.printed, "dim"))


def write_solution(solution: SolutionRecord) -> None:
    """Print the files of a solution."""
    console = _console()
    for name, content in solution.files.items():
        console.print(Text(name, "bold"))
        suffix = os.path.splitext(name)[1]
        console.print(Syntax(content, LEXERS.get(suffix, "text"), background_color="default", word_wrap=True))


def write_list(record: ExercisesRecord) -> None:
    """Print a row for each exercise; the one under way has an arrow."""
    table = make_table("", "phase", "name", "what it is about", ">minutes", ">hints", "solved")
    for row in record.exercises:
        shown = f"{row.hints_shown} of {row.hints}" if row.hints_shown else NONE
        arrow = "→" if row.current else ""
        solved = Text(row.solved[:10], "green") if row.solved else Text(NONE)
        table.add_row(arrow, row.phase, row.name, row.title, str(row.minutes), shown, solved)
    console = Console()
    console.print(table)
    done = sum(row.solved is not None for row in record.exercises)
    console.print(f"{done} of {len(record.exercises)} solved, in {record.folder}", soft_wrap=True, highlight=False)
