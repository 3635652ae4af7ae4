"""The README's commands and Python, exactly as written, in the folder that `make demo` makes."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from replaying import Replayed
from running import MLOPS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
LEARN = README.partition("## Learn")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^\.\./\.venv/bin/mlops (.*?)(?: +#.*)?$", LEARN, re.MULTILINE)
SNIPPETS = re.findall(r"```python\n(.*?)```", LEARN, re.DOTALL)

pytestmark = pytest.mark.timeout(900)


def test_there_is_something_to_run() -> None:
    assert len(COMMANDS) >= 3
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_in_the_demo(replayed: Replayed, command: str) -> None:
    words = [*MLOPS, *shlex.split(command)]
    done = subprocess.run(words, cwd=replayed.folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_python_reads_the_demos_tables(replayed: Replayed, snippet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(replayed.folder)
    *statements, last = ast.parse(snippet).body
    assert isinstance(last, ast.Expr), "a snippet ends with what a notebook shows"
    names: dict[str, Any] = {}
    exec(compile(ast.Module(statements, []), "README.md", "exec"), names)
    shown = eval(compile(ast.Expression(last.value), "README.md", "eval"), names)
    rows = shown.fetchall() if hasattr(shown, "fetchall") else shown.rows()
    assert len(rows) > 0
