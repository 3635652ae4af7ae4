"""Every line of README.md and docs/ that a reader may type or run does what it should.

A block of a page says what it is (`pages.KINDS`), so nothing is left out. Without `slow`, each line is checked: the
command and its options exist, the target is one of make's, Python and settings are valid. With it, each page is typed
into a shell from its first line to its last, beside a finished demo; and the lines about the demo always are.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browsing import find_program
from pages import KINDS, PAGES, ROOT, Block, commands_of, read_blocks, type_page
from replaying import Replayed
from running import mlops

from mlops_lab.cli.commands import COMMANDS
from mlops_lab.cli.main import load_command
from mlops_lab.contracts.fields import parse_fields
from mlops_lab.project.declaration import FieldSection
from mlops_lab.project.schema import json_schema

pytestmark = pytest.mark.timeout(900)

BLOCKS = [block for page in PAGES for block in read_blocks(page)]
TYPED = [page for page in PAGES if any(block.kind in {"sh", "python"} for block in read_blocks(page))]
IN_A_NOTEBOOK = ROOT / "docs" / "notebook.md"
"""test_notebook.py runs it."""
OTHERS = {"cat", "cd", "cp", "curl", "git", "mlflow", "npm", "pip", "printf", "python", "python3", "."}
"""What is typed besides `mlops` and `make`; `slow` types it."""


def of_kind(*kinds: str) -> Any:
    return pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind in kinds], ids=str)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.kind in KINDS, f"{block}: begin it with ``` and one of {', '.join(sorted(KINDS))}"


@of_kind("text")
def test_a_command_does_not_hide_in_text(block: Block) -> None:
    first = {words[0] for line in block.text.splitlines() if (words := line.split())}
    assert not first & ({"mlops", "make"} | OTHERS - {"."}), f"{block}: commands belong into a block of sh"


@of_kind("sh")
def test_a_line_can_be_typed(block: Block) -> None:
    commands = commands_of(block)
    assert commands, f"{block}: there is nothing to type"
    for command in commands:
        check_command(command, block)


def check_command(command: str, block: Block) -> None:
    words = shlex.split(command)
    if "&&" in words:
        at = words.index("&&")
        check_command(shlex.join(words[:at]), block)
        check_command(shlex.join(words[at + 1 :]), block)
    elif words[0] == "mlops":
        check_words_of_mlops(words[1:], block)
    elif words[0] == "make":
        done = subprocess.run(["make", "-n", "-C", str(ROOT), *words[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}: {command}\n{done.stderr}"
    else:
        assert words[0] in OTHERS, f"{block}: {words[0]} is no command that these pages use"


def check_words_of_mlops(words: list[str], block: Block) -> None:
    """That there is such a command, with all of these options."""
    assert words, f"{block}: mlops, and then?"
    assert words[0] in COMMANDS, f"{block}: mlops has no command {words[0]}"
    command = load_command(COMMANDS[words[0]])
    if hasattr(command, "commands") and len(words) > 1 and words[1] in command.commands:
        command = command.commands[words[1]]
    known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
    asked = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    assert asked <= known | {"--help", "-h"}, f"{block}: mlops {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_in_a_sentence_exists(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for command in re.findall(r"`mlops ([^`]*)`", text):
        words = re.sub(r"[\"'…|]", " ", command.replace("\n", " ")).split()
        if words[0].islower():  # `mlops COMMAND` stands for any
            check_words_of_mlops(words, Block(page, text[: text.index(command)].count("\n") + 1, "", command))


@of_kind("python")
def test_python_is_valid(block: Block) -> None:
    compile(block.text, str(block), "exec")


@of_kind("toml")
def test_settings_exist(block: Block) -> None:
    schema = json_schema()
    for name, value in tomllib.loads(block.text).items():
        if name in schema["properties"]:
            declared = schema["properties"][name]
            section = declared.get("items", declared)["$ref"].rpartition("/")[2]
            for part in value if isinstance(value, list) else [value]:
                assert part.keys() <= schema["$defs"][section]["properties"].keys(), str(block)
        else:
            parse_fields({name: msgspec.convert(value, str | FieldSection)}, where=str(block))


@pytest.fixture
def checkout(replayed: Replayed, tmp_path: Path) -> Path:
    """A folder like a clone of this repository after `make demo`."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name != "flights-demo":
            (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(sys.prefix)
    shutil.copytree(replayed.folder, folder / "flights-demo")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in TYPED if page != IN_A_NOTEBOOK], ids=lambda page: page.name)
def test_every_line_of_a_page_runs(page: Path, checkout: Path, tmp_path: Path) -> None:
    for program in ("curl", "bash"):
        find_program(program, package=program)
    type_page(page, checkout, tmp_path / "typed")


def test_the_readmes_lines_about_the_demo_run(checkout: Path, tmp_path: Path) -> None:
    """The part that takes no training; `slow` types the rest."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = text.index("## Learn")
    part = tmp_path / "README.md"
    part.write_text(re.sub(r"^(pip|mlflow) .*\n", "", text[begin : text.index("\n## ", begin)], flags=re.MULTILINE))
    type_page(part, checkout, tmp_path / "typed")


@pytest.mark.slow
def test_every_line_of_a_new_projects_readme_runs(tmp_path: Path) -> None:
    mlops("init", "--sample", "shop", cwd=tmp_path)
    type_page(tmp_path / "shop/README.md", tmp_path / "shop", tmp_path / "typed")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```sh\npython -c 'print(1)'\ncd no-such-folder   # a comment\ncd ..\n```\n", "cd no-such-folder"),
        ("```python\nimport no_such_module\n```\n", "no_such_module"),
        ("```sh\nprintf '[1, 2.0004]'\n```\n```json\n[1, 3]\n```\n", "prints [1, 2.0]"),
    ],
)
def test_a_line_that_does_not_run_is_found(tmp_path: Path, text: str, told: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(AssertionError) as caught:
        type_page(page, tmp_path, tmp_path / "typed")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "line", ["mlops statsu", "mlops run --fast", "make dmeo", "duckdb shop.db", "echo 'never ends"]
)
def test_a_line_that_cannot_be_typed_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        test_a_line_can_be_typed(Block(ROOT / "README.md", 1, "sh", f"{line}\n"))


@pytest.mark.slow
def test_tuning_as_the_page_says_is_quiet(copies: Any) -> None:
    """LightGBM prints a warning for each tree that finds nothing to split, unless it is told not to."""
    project = copies("iris")
    (block,) = [block for block in read_blocks(ROOT / "docs" / "tuning.md") if block.kind == "python"]
    pipeline = project.root / "pipeline.py"
    pipeline.write_text(pipeline.read_text().partition("def model")[0] + block.text)
    done = mlops("tune", "--trials", 2, project=project.root)
    assert "Warning" not in done.err
    assert "LightGBM" not in done.out
