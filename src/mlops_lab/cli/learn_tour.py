"""`mlops learn tour`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from mlops_lab.cli.records.tour import AnswerRecord, TourQuestion, TourRecord
from mlops_lab.cli.shared import HERE, Folder, Json, print_record
from mlops_lab.errors import InvalidInput
from mlops_lab.learn.tour.answer import Question, find_fault

SKIP, QUIT = "skip", "quit"
MAX_WIDTH = 100


def tour(
    question: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only check the answer to this question.", show_default="all")
    ] = None,
    answer: Annotated[str | None, typer.Option(metavar="TEXT", help="With --question: the answer.")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Ask about the project of a finished `mlops demo`; its commands know the answers. It takes about 10 minutes.

    With --question and --answer: exit code 1 where the answer is wrong. With --json alone: print the questions.
    """
    if (question is None) != (answer is None):
        hint = 'mlops learn tour --question live --answer "…"'
        raise InvalidInput("go together", code="bad_option", where="--question, --answer", hint=hint)
    from mlops_lab.learn.tour.demo import open_demo  # Polars and more: the other commands of `learn` do not wait
    from mlops_lab.learn.tour.questions import ask_all, find_question

    demo = open_demo(project)
    questions = ask_all(demo)
    if question is not None and answer is not None:
        if not _check(find_question(questions, question), answer, json=json):
            raise typer.Exit(1)
    elif json:
        asked = [TourQuestion(name=item.name, text=item.text, command=item.command) for item in questions]
        print_record(TourRecord(folder=str(demo.project.root), questions=asked))
    else:
        _go_through(questions, str(demo.project.root))


def _go_through(questions: list[Question], folder: str) -> None:
    """Ask one question after the other, each until its answer is right or it is skipped."""
    out = _console()
    out.print(f"Keep a second terminal open, in {folder}.", soft_wrap=True)
    out.print(f"Run the command there and type what it says here; or {SKIP}, or {QUIT}.")
    right = 0
    for number, question in enumerate(questions, 1):
        out.print()
        out.print(Text(f"{number} of {len(questions)}  ", "dim").append(question.text, "bold not dim"))
        out.print(Text(f"$ {question.command}", "cyan"), soft_wrap=True)
        result = _ask(question)
        if result is None:
            break
        right += result
    out.print(
        f"\n{right} of {len(questions)} answered. Where to go next: `mlops learn`, things that failed, to repair."
    )


def _ask(question: Question) -> bool | None:
    """Whether the question was answered, and not skipped; None: the learner stops here."""
    while True:
        print("> ", end="", flush=True)
        line = sys.stdin.readline()
        typed = line.strip()
        if not line or typed == QUIT:
            return None
        if typed == SKIP:
            return False
        if typed and _check(question, typed, json=False):
            return True


def _check(question: Question, typed: str, *, json: bool) -> bool:
    """Say whether an answer is right, and return it."""
    fault = find_fault(question.expected, typed)
    if json:
        again = question.again if fault else None
        print_record(AnswerRecord(name=question.name, right=fault is None, fault=fault, again=again))
    elif fault is None:
        _console().print(Text("✓ right", "bold green"))
    else:
        _console().print(Text("✗ ", "bold red").append(f"{fault}. {question.again}", "not bold default"))
    return fault is None


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    console.width = min(console.width, MAX_WIDTH)
    return console
