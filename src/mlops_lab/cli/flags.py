"""`--set SECTION.KEY=VALUE`, added to every command that has `--project`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

import typer

_settings: ContextVar[tuple[str, ...]] = ContextVar("settings", default=())


def given_settings() -> tuple[str, ...]:
    """The values of `--set` on this command line."""
    return _settings.get()


def add_set(command: Any) -> Any:
    """The command, with `--set` added wherever it, or a command of its group, has `--project`."""
    for inner in getattr(command, "commands", {}).values():
        add_set(inner)
    if any("--project" in parameter.opts for parameter in command.params):
        command.params += [option for option in _declared() if "--set" in option.opts]
    return command


def _declared() -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(_declare)
    return list(typer.main.get_command(app).params)


def _keep(settings: list[str]) -> None:
    _settings.set(tuple(settings))


def _declare(
    settings: Annotated[
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
    """Never called: Typer makes the option from its parameter."""
