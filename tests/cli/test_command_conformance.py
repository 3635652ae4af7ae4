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


def test_each_says_in_one_sentence_what_it_is_for(listing: str) -> None:
    for command in COMMANDS.values():
        assert command.help[0].isupper()
        assert command.help.endswith(".")
        assert command.help.count(". ") == 0
        assert len(command.help) <= 80
        assert command.help in listing


def test_each_is_listed_in_a_panel(listing: str) -> None:
    for command in COMMANDS.values():
        assert command.panel in PANELS
        _, _, below = listing.partition(f"─ {command.panel} ─")
        panel, _, _ = below.partition("╰")
        assert f"│ {command.name} " in panel


def test_each_module_has_a_command_or_a_group() -> None:
    for command in COMMANDS.values():
        module = importlib.import_module(command.module)
        assert hasattr(module, "command") != hasattr(module, "app"), command.name


def test_each_has_examples() -> None:
    for command in COMMANDS.values():
        assert command.examples, command.name
        assert {tuple(shlex.split(example)[:2]) for example in command.examples} == {("mlops", command.name)}


def test_each_command_of_a_group_has_an_example() -> None:
    without = [name for name in LEAVES if not any(f"{example} ".startswith(f"mlops {name} ") for example in EXAMPLES)]
    assert without == [], "add one to the group"


def test_examples_can_be_typed() -> None:
    """Their options and arguments are those of the command; they are not run."""
    for example in EXAMPLES:
        _, *words = shlex.split(example.partition(" >")[0])
        name = " ".join(words[:2]) if " ".join(words[:2]) in LEAVES else words[0]
        leaf = LEAVES[name]
        context = leaf.make_context(f"mlops {name}", words[len(name.split()) :])
        exposed = {parameter.name for parameter in leaf.params if parameter.expose_value} - {"help"}
        assert context.params.keys() == exposed, example


@each_leaf
def test_its_help_shows_options_and_examples(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, printed = run(LEAVES[name], "--help", capsys=capsys)
    assert code == 0
    assert "--help" in printed
    assert any(example in printed for example in EXAMPLES if example.startswith(f"mlops {name}"))


def test_the_first_line_of_each_help_is_a_sentence() -> None:
    firsts = [leaf.help.strip().splitlines()[0].rstrip() for leaf in LEAVES.values()]
    assert [first for first in firsts if not first[0].isupper() or not first.endswith((".", ":"))] == []


def options_of(name: str) -> list[str]:
    return [option for parameter in LEAVES[name].params for option in parameter.opts]


def test_each_prints_json_for_machines() -> None:
    assert [name for name in LEAVES if "--json" not in options_of(name)] == []


def test_each_takes_a_project_and_settings() -> None:
    assert {name for name in LEAVES if "--project" not in options_of(name)} == WITHOUT_PROJECT
    assert {name for name in LEAVES if "--set" not in options_of(name)} == WITHOUT_PROJECT


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
    modules = {command.module.removeprefix("mlops_lab.cli.") for command in COMMANDS.values()}
    assert {path.stem for path in folder.glob("*.py")} >= modules
    assert modules - COMMANDS.keys() == {"import_"}, "only a word of Python has another name than its command"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_told(capsys: pytest.CaptureFixture[str], option: str) -> None:
    code, printed = run(typer.main.get_command(main.app), option, capsys=capsys)
    assert (code, printed.split()[:2]) == (0, ["mlops-lab", version("mlops-lab")])


def test_help_has_a_short_option(capsys: pytest.CaptureFixture[str]) -> None:
    root = typer.main.get_command(main.app)
    for name in COMMANDS:
        assert run(root, name, "-h", capsys=capsys) == run(root, name, "--help", capsys=capsys)


@pytest.mark.parametrize(
    ("typed", "completed"), [("mlops rollb", ["rollback"]), ("mlops score --over", ["--overwrite"])]
)
def test_a_shell_completes_commands_and_options(typed: str, completed: list[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_MLOPS_COMPLETE": "complete_bash"}
    command = [Path(sys.executable).with_name("mlops")]
    done = subprocess.run(command, env={**os.environ, **words}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == completed


def test_no_command_loads_what_takes_long_to_load() -> None:
    """What trains, judges or draws is loaded by the step that needs it: `mlops status` would wait a second for it."""
    heavy = ("lightgbm", "mlflow", "optuna", "pandas", "scipy", "sklearn", "starlette", "vl_convert")
    modules = [command.module for command in COMMANDS.values()]
    code = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
    code += f"print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
