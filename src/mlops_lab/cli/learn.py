"""`mlops learn`, and its commands: what a learner does, for people and for editors."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.learn_class import export, report
from mlops_lab.cli.learn_session import WORDS, Session
from mlops_lab.cli.learn_tour import tour
from mlops_lab.cli.shared import HERE, Json, console
from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.folder import find_folder, open_folder
from mlops_lab.learn.lessons import choose
from mlops_lab.learn.process import SpareProcess
from mlops_lab.learn.watch import ProgressChanged, Saved, Typed, watch_folder

app = typer.Typer(add_completion=False, invoke_without_command=True)
app.command()(tour)
app.command()(export)
app.command()(report)

LearnFolder = Annotated[
    Path, typer.Option("--folder", help="The learner's folder.", show_default="here, above, or ./mlops-learn")
]
Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The exercise.", show_default="the one under way")]


@app.callback()
def start(context: typer.Context) -> None:
    """Runs before the commands of the group; without one, `watch`."""
    if context.invoked_subcommand is None:
        watch()


@app.command()
def watch(folder: LearnFolder = HERE, json: Json = False) -> None:
    """Show the exercise under way, and check it each time a file is saved, until Ctrl-C (or `quit`).

    The first time, makes the folder `mlops-learn` with all exercises. `mlops learn` alone is the same.
    """
    learner = open_folder(folder)
    spare = SpareProcess()
    session = Session(learner, json=json, spare=spare)
    shown = choose(learner, None)
    try:
        with closing(watch_folder(learner, sys.stdin)) as events:
            session.show_task(shown)
            session.try_check(shown)
            console.print(f"\nWatching {learner}. Type a word and Enter: {', '.join(WORDS)}.", highlight=False)
            for event in events:
                match event:
                    case Saved(exercise):
                        session.try_check(exercise)
                    case ProgressChanged(current) if current != shown.name:
                        shown = find_exercise(current)
                        session.show_task(shown)
                        session.try_check(shown)
                    case Typed(word) if word and not session.obey(word):
                        return
    finally:
        spare.stop()


@app.command()
def check(
    name: Name = None,
    folder: LearnFolder = HERE,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Make the hidden data of this seed.", show_default="the learner's own")
    ] = None,
    json: Json = False,
) -> None:
    """Run the learner's files on hidden data, and say what was seen. Exit code 1 where the exercise is not solved."""
    session = Session(find_folder(folder), json=json)
    if not session.check(session.choose(name), seed=seed):
        raise typer.Exit(1)


@app.command()
def hint(name: Name = None, folder: LearnFolder = HERE, json: Json = False) -> None:
    """Show the next of three hints: a question, then where to look, then what to do."""
    session = Session(find_folder(folder), json=json)
    session.show_hint(session.choose(name))


@app.command("list")
def list_all(folder: LearnFolder = HERE, json: Json = False) -> None:
    """List the exercises, and which are solved."""
    Session(find_folder(folder), json=json).show_list()


@app.command("next")
def go_to_next(name: Name = None, folder: LearnFolder = HERE, json: Json = False) -> None:
    """Go to the next exercise that is not solved, or to the one of this name."""
    session = Session(find_folder(folder), json=json)
    if exercise := session.go_on(name):
        session.show_task(exercise)


@app.command()
def reset(name: Name = None, folder: LearnFolder = HERE, json: Json = False) -> None:
    """Hand an exercise out again. The files that you changed are kept beside it."""
    session = Session(find_folder(folder), json=json)
    session.reset(session.choose(name))


@app.command()
def solution(name: Name = None, folder: LearnFolder = HERE, json: Json = False) -> None:
    """Show the reference solution of an exercise that is solved."""
    session = Session(find_folder(folder), json=json)
    session.show_solution(session.choose(name))
