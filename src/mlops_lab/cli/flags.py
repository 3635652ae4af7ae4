"""`--set SECTION.KEY=VALUE`, on every command that opens a project without being written there."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

import typer

_said: ContextVar[tuple[str, ...]] = ContextVar("said", default=())


def flags_said() -> tuple[str, ...]:
    """What `--set` said on this command line."""
    return _said.get()


def add_set(command: Any) -> Any:
    """The command; where it, or a command of its group, has `--project`, that one takes `--set` too."""
    for inner in getattr(command, "commands", {}).values():
        add_set(inner)
    if any("--project" in parameter.opts for parameter in command.params):
        command.params += [option for option in _declared() if "--set" in option.opts]
    return command


def _declared() -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(_declare)
    return list(typer.main.get_command(app).params)


def _keep(said: list[str]) -> None:
    _said.set(tuple(said))


def _declare(
    said: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="SECTION.KEY=VALUE",
            help="A setting for this command only; overrides mlops.toml and the environment. Repeatable.",
            default_factory=list,
            show_default=False,
            callback=_keep,
            expose_value=False,
        ),
    ],
) -> None:
    """Never called: what Typer makes of its parameter is the option."""
