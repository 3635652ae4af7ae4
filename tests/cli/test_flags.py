"""`--set` is added to every command that opens a project."""

from __future__ import annotations

from contextvars import copy_context

import typer

from mlops_lab.cli.flags import add_set, given_settings
from mlops_lab.cli.shared import HERE, Folder


def with_project(project: Folder = HERE) -> None:
    """Opens a project."""


def without_project() -> None:
    """Opens none."""


def command_of(function: object) -> object:
    app = typer.Typer(add_completion=False)
    app.command()(function)  # type: ignore[type-var]
    return typer.main.get_command(app)


def options_of(command: object) -> list[str]:
    return [option for parameter in command.params for option in parameter.opts]  # type: ignore[attr-defined]


def test_only_a_command_with_a_project_takes_settings() -> None:
    assert "--set" in options_of(add_set(command_of(with_project)))
    assert "--set" not in options_of(add_set(command_of(without_project)))


def test_the_commands_of_a_group_take_settings() -> None:
    app = typer.Typer(add_completion=False)
    app.command("one")(with_project)
    app.command("two")(without_project)
    group = add_set(typer.main.get_command(app))
    assert "--set" in options_of(group.commands["one"])
    assert "--set" not in options_of(group.commands["two"])


def test_settings_are_kept_in_their_order() -> None:
    def parse() -> tuple[str, ...]:
        words = ["--set", "serving.port=9000", "--set", "serving.port=9001"]
        add_set(command_of(with_project)).make_context("mlops", words)
        return given_settings()

    assert copy_context().run(parse) == ("serving.port=9000", "serving.port=9001")
    assert given_settings() == ()
