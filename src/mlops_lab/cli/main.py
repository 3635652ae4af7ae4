"""The list of commands. Each lives in a module of its own, imported only when it runs: `mlops --help` stays fast."""

from __future__ import annotations

import importlib
import os
import sys
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "demo": "The whole loop on the flights of 2013, replayed day by day.",
    "init": "A project of your own from a table: what it is, and the files that say so.",
    "run": "Snapshot, train, test; start a rollout, or say why not.",
    "tune": "Search for better parameters, within a budget.",
    "compare": "Versions, runs and trials side by side.",
    "up": "Server and loop together, with a first version where none is live, until stopped.",
    "serve": "Answer requests over HTTP until stopped.",
    "score": "Answer a file of requests at once.",
    "ingest": "Hand in new rows of a table.",
    "outcomes": "Hand in what became of earlier predictions.",
    "tick": "One turn of the loop: observe, decide, act.",
    "status": "What is live, how it does, what is waiting for what.",
    "history": "Every decision ever made, and why.",
    "split": "An A/B test: a version answers a fixed share of the keys.",
    "rollback": "Back to the version before, at once.",
    "explain": "Everything behind one prediction, or one version.",
    "contract": "What tables must look like: inferred, checked, compared with the data.",
    "quarantine": "Rows that broke the contract, and their way back.",
    "package": "A version as a folder that answers without this program: browser, Python.",
    "export": "The project for other tools: Feast.",
    "features": "What the features are, how they changed, and that they were served as defined.",
    "token": "Who may ask the server, or change what it knows: created, listed, revoked.",
    "config": "Every setting and where it was said; the schema for editors.",
}


class _LazyGroup(TyperGroup):
    """Commands by name from `COMMANDS`; the module of one is imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        if _only_listing():
            return typer.main.get_command(_stub(cmd_name))
        from mlops_lab.cli.flags import add_set

        module = importlib.import_module(f"mlops_lab.cli.{cmd_name}")
        if hasattr(module, "app"):  # a group of commands
            return add_set(typer.main.get_command(module.app))
        app = typer.Typer(add_completion=False)
        app.command(name=cmd_name, help=COMMANDS[cmd_name])(module.command)
        return add_set(typer.main.get_command(app))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and (near := get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)


def _only_listing() -> bool:
    return all(word.startswith("-") for word in sys.argv[1:])


def _stub(name: str) -> typer.Typer:
    """Enough of a command to be listed."""
    app = typer.Typer(add_completion=False)
    app.command(name=name, help=COMMANDS[name])(lambda: None)
    return app


app = typer.Typer(
    cls=_LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    help="From notebook to monitored model: the whole loop, closed, on one machine.",
)


@app.callback()
def _root() -> None:
    """Runs before every command."""


def main() -> None:
    """The `mlops` command: runs it, and turns every error into one clear message and an exit code.

    0 fine, 1 a gate or a check said no, 2 wrong use, 3 the machine, 4 a bug of ours.
    """
    from mlops_lab.cli.errors import guarded

    # threads of OpenMP that wait for work spin by default, and where cores are shared a training takes 10 times as long
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(guarded(app))
