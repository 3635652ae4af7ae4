"""`mlops import`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
import typer

from mlops_lab.cli import import_dvc
from mlops_lab.cli.records.decisions import MadeDecision
from mlops_lab.cli.run import show_decision
from mlops_lab.cli.shared import HERE, At, Folder, Json, console, open_project, parse_at, print_record
from mlops_lab.errors import InvalidInput
from mlops_lab.loop.foreign_candidate import ForeignSource
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop
from mlops_lab.training.foreign.mlmodel import read_foreign

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _root() -> None:
    """What was made with another tool."""


app.command(name="dvc")(import_dvc.command)


@app.command()
def mlflow(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_MODEL",
            help="The id of a run, models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN/PATH, or a folder with MLmodel.",
        ),
    ],
    tracking_uri: Annotated[
        str | None,
        typer.Option("--tracking-uri", help="The server or store of MLflow.", show_default="MLFLOW_TRACKING_URI"),
    ] = None,
    trained_until: Annotated[
        str | None,
        typer.Option(
            "--trained-until",
            metavar="MOMENT",
            help="It has seen no row from then on.",
            show_default="when MLflow stored it",
        ),
    ] = None,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Register a model that MLflow has logged, if it passes packaging and gates like one of the project.

    Flavours: sklearn (skops), lightgbm, xgboost. Pickles are refused. Its inputs must be those of pipeline.py, by name
    and in their order. It is judged on the rows that are held out, of which it must have seen none.
    """
    opened = open_project(project)
    with console.status("") as status, TemporaryDirectory(prefix="mlops-import-") as scratch:
        status.update("reading the model")
        source = _read_source(model, Path(scratch), tracking_uri=tracking_uri, trained_until=trained_until)
        loop = Loop(opened, report=lambda stage: status.update(stage))
        decision = loop.import_model(loop.moment(parse_at(at)), source, by=acting_person(opened))
        loop.act()
    if json:
        print_record(msgspec.convert(decision.as_dict(), MadeDecision))
    show_decision(decision, quiet=json)


def _read_source(model: str, scratch: Path, *, tracking_uri: str | None, trained_until: str | None) -> ForeignSource:
    until = parse_at(trained_until)
    if Path(model).is_dir():
        folder = Path(model)
    else:
        from mlops_lab.registry.store.fetch_model import fetch_model  # brings MLflow, which takes 4 s

        folder = fetch_model(model, scratch, tracking_uri=tracking_uri)
    file = read_foreign(folder)
    until = until or file.created_at
    if until is None:
        raise InvalidInput(
            "the model does not say when it was made",
            code="unknown_age",
            where="--trained-until",
            hint="say until when its training rows go: --trained-until 2013-03-01T05:00:00Z",
        )
    return ForeignSource(file, model, until)
