"""The `mlops` command. A command's module is imported only when it runs, so `mlops --help` stays fast."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mlops_lab.cli.commands import COMMANDS, Command


class _LazyGroup(TyperGroup):
    """The commands of `COMMANDS`; the module of one is imported when it is run, or its help is shown."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        return typer.main.get_command(_stub(command)) if _is_only_listed(cmd_name) else load_command(command)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and (near := get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)


def _is_only_listed(name: str) -> bool:
    """Whether this process only lists the command: a shell completes another word, or there is none."""
    if typed := os.environ.get("COMP_WORDS"):
        return name not in typed.split()
    return all(word.startswith("-") for word in sys.argv[1:])


def _stub(command: Command) -> typer.Typer:
    """Enough of a command to be listed."""
    app = typer.Typer(add_completion=False)
    app.command(name=command.name, help=command.help, rich_help_panel=command.panel)(lambda: None)
    return app


def load_command(command: Command) -> Any:
    """The command itself, with `--set` and its examples."""
    from mlops_lab.cli.flags import add_set  # not needed, and not paid for, to list the commands

    module = importlib.import_module(command.module)
    signal.siginterrupt(signal.SIGINT, True)  # importing Polars changes this: Ctrl-C would not end a wait for input
    if hasattr(module, "app"):  # a group of commands
        group = typer.main.get_command(module.app)
        group.help = command.help
        for name, inner in getattr(group, "commands", {}).items():
            inner.epilog = _epilog(example for example in command.examples if example.split()[2] == name)
        loaded = group
    else:
        app = typer.Typer(add_completion=False)
        app.command(name=command.name)(module.command)
        loaded = typer.main.get_command(app)
    loaded.epilog = _epilog(command.examples)
    return add_set(loaded)


def _epilog(examples: Iterable[str]) -> str:
    """What stands below the options: one example a line (an empty line keeps lines apart)."""
    lines = [f"  {example}" for example in examples]
    return "\n\n".join(["Example:" if len(lines) == 1 else "Examples:", *lines]) if lines else ""


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="From a table to a monitored model: train, serve, watch, retrain, on one machine.",
    epilog="`mlops COMMAND --help` has options and examples. New here? Try `mlops demo`.",
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # not needed, and not paid for, before a command runs

        print(f"mlops-lab {version('mlops-lab')} (Python {sys.version.split()[0]})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Show the version.", is_eager=True, callback=_print_version, expose_value=False
        ),
    ] = False,
) -> None:
    """Runs before every command."""


def main() -> None:
    """The `mlops` command: runs it, and turns every error into one clear message and an exit code.

    0 ok, 1 a gate or a check refused, 2 wrong usage, 3 the environment, 4 a bug.
    """
    from mlops_lab.cli.errors import guarded  # not needed, and not paid for, before a command runs
    from mlops_lab.cli.interrupts import run_until_interrupted

    # Waiting OpenMP threads spin by default: where cores are shared, a training then takes 10 times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(guarded(lambda: run_until_interrupted(app)))
