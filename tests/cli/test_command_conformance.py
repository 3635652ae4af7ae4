"""What every command of `mlops` must do. To add one, see CONTRIBUTING.md; what is missing, these tests say."""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from mlops_lab.cli import commands
from mlops_lab.cli.commands import COMMANDS, PANELS, Command

main = importlib.import_module("mlops_lab.cli.main")  # the package exports its function under the same name

WITHOUT_PROJECT = (
    {"demo", "export list", "init", "config schema", "drill list"}
    | {f"lab {name}" for name in ("check", "hint", "list", "start")}
    | {f"learn {name}" for name in ("check", "export", "hint", "list", "next", "report", "reset", "solution", "watch")}
)
"""They make a project, or need none."""


def leaves() -> Iterator[tuple[str, Any]]:
    """Each command that does something, with its full name: also those in groups."""
    for command in COMMANDS.values():
        loaded = main.load_command(command)
        inner = getattr(loaded, "commands", None)
        if inner is None:
            yield command.name, loaded
        else:
            yield from ((f"{command.name} {name}", leaf) for name, leaf in inner.items())


LEAVES = dict(leaves())
EXAMPLES = [example for command in COMMANDS.values() for example in command.examples]
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
each_leaf = pytest.mark.parametrize("name", LEAVES)


def run(command: Any, *words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of a command and all that it printed."""
    with pytest.raises(SystemExit) as stopped:
        command.main(list(words), prog_name="mlops")
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out + printed.err


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """`mlops --help`, wide enough that no line breaks."""
    monkeypatch.setattr(sys, "argv", ["mlops", "--help"])
    monkeypatch.setenv("COLUMNS", "200")
    code, printed = run(typer.main.get_command(main.app), "--help", capsys=capsys)
    assert code == 0
    return printed


@each_command
def test_it_says_in_one_sentence_what_it_is_for(command: Command, listing: str) -> None:
    assert command.help[0].isupper()
    assert command.help.endswith(".")
    assert command.help.count(". ") == 0
    assert len(command.help) <= 80
    assert command.help in listing


@each_command
def test_it_is_listed_in_a_panel(command: Command, listing: str) -> None:
    assert command.panel in PANELS
    _, _, below = listing.partition(f"─ {command.panel} ─")
    panel, _, _ = below.partition("╰")
    assert f"│ {command.name} " in panel


@each_command
def test_its_module_has_a_command_or_a_group(command: Command) -> None:
    module = importlib.import_module(command.module)
    assert hasattr(module, "command") != hasattr(module, "app")


@each_command
def test_it_has_examples(command: Command) -> None:
    assert command.examples
    for example in command.examples:
        assert shlex.split(example)[:2] == ["mlops", command.name]


@each_leaf
def test_each_command_of_a_group_has_an_example(name: str) -> None:
    assert any(f"{example} ".startswith(f"mlops {name} ") for example in EXAMPLES), f"add one to {name.split()[0]}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_typed(example: str) -> None:
    """Its options and arguments are those of the command; it is not run."""
    _, *words = shlex.split(example.partition(" >")[0])
    name = " ".join(words[:2]) if " ".join(words[:2]) in LEAVES else words[0]
    leaf = LEAVES[name]
    context = leaf.make_context(f"mlops {name}", words[len(name.split()) :])
    assert context.params.keys() == {parameter.name for parameter in leaf.params if parameter.expose_value} - {"help"}


@each_leaf
def test_its_help_shows_options_and_examples(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, printed = run(LEAVES[name], "--help", capsys=capsys)
    assert code == 0
    assert "--help" in printed
    assert any(example in printed for example in EXAMPLES if example.startswith(f"mlops {name}"))


@each_leaf
def test_its_first_line_of_help_is_a_sentence(name: str) -> None:
    first = LEAVES[name].help.strip().splitlines()[0]
    assert first[0].isupper()
    assert first.rstrip().endswith((".", ":")), first


@each_leaf
def test_it_prints_json_for_machines(name: str) -> None:
    assert "--json" in [option for parameter in LEAVES[name].params for option in parameter.opts]


@each_leaf
def test_it_takes_a_project_and_settings(name: str) -> None:
    options = [option for parameter in LEAVES[name].params for option in parameter.opts]
    assert ("--project" in options) == (name not in WITHOUT_PROJECT)
    assert ("--set" in options) == ("--project" in options)


@each_leaf
def test_an_unknown_option_is_wrong_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(LEAVES[name], "--no-such-option", capsys=capsys)
    assert code == 2
    assert "No such option" in printed
    assert "Traceback" not in printed


def test_one_more_command_takes_one_module_and_one_entry(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The steps of CONTRIBUTING.md: a module with `command`, and an entry in COMMANDS."""
    module = ModuleType("mlops_lab.cli.tables")
    source = '''
from msgspec import Struct

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.lake import Lake


class TableNames(Struct, frozen=True, kw_only=True):
    schema_version: int = 1
    tables: list


def command(project: Folder = HERE, json: Json = False) -> None:
    """List the tables of the project."""
    names = Lake(open_project(project).lake_path).tables()
    if json:
        print_record(TableNames(tables=names))
    else:
        print(", ".join(names))
'''
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = Command("tables", commands.OPERATE, "List the tables of the project.", ("mlops tables",))
    monkeypatch.setitem(COMMANDS, entry.name, entry)
    monkeypatch.setattr(sys, "argv", ["mlops", "tables", "--json", "--project", str(tiny.project.root)])
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert stopped.value.code == 0
    assert '"orders"' in capsys.readouterr().out


def test_a_command_that_is_misspelt_is_suggested(capfd: pytest.CaptureFixture[str]) -> None:
    code, printed = run(typer.main.get_command(main.app), "statsu", capsys=capfd)
    assert code == 2
    assert "Did you mean 'status'?" in printed


def test_the_module_of_a_command_is_where_it_is_documented() -> None:
    folder = Path(commands.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} >= COMMANDS.keys()


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_told(capsys: pytest.CaptureFixture[str], option: str) -> None:
    code, printed = run(typer.main.get_command(main.app), option, capsys=capsys)
    assert (code, printed.split()[:2]) == (0, ["mlops-lab", version("mlops-lab")])


@each_command
def test_help_has_a_short_option(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    root = typer.main.get_command(main.app)
    assert run(root, command.name, "-h", capsys=capsys) == run(root, command.name, "--help", capsys=capsys)


@pytest.mark.parametrize(
    ("typed", "completed"), [("mlops rollb", ["rollback"]), ("mlops score --over", ["--overwrite"])]
)
def test_a_shell_completes_commands_and_options(typed: str, completed: list[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_MLOPS_COMPLETE": "complete_bash"}
    command = [Path(sys.executable).with_name("mlops")]
    done = subprocess.run(command, env={**os.environ, **words}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == completed
