"""What the project's folder holds beside its data: workflows of a CI system, and tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_WORKFLOWS = (".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml")
_TESTS = ("test_*.py", "*_test.py", "tests/**/test_*.py", "tests/**/*_test.py")
_STEPS = ("run", "script", "before_script")
_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True)
class Workflow:
    """A workflow: its path in the project, and the commands that it runs, a line each."""

    path: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class TestFile:
    """A file of tests: its path in the project, the number of its tests, and the names that its code uses."""

    __test__ = False  # pytest collects classes whose name begins like this one
    path: str
    tests: int
    names: frozenset[str]


@dataclass(frozen=True)
class Repository:
    """The workflows and the tests of a project."""

    workflows: Sequence[Workflow] = ()
    tests: Sequence[TestFile] = ()

    def runs(self, command: str) -> str | None:
        """The path of the first workflow that runs a command (`mlops run`); None where none does."""
        pattern = re.compile(rf"(^|[\s;&|(]){re.escape(command)}($|[\s;&|)])")
        for workflow in self.workflows:
            if any(pattern.search(line) for line in workflow.commands):
                return workflow.path
        return None

    def tests_of(self, *names: str) -> list[TestFile]:
        """The files of tests whose code uses a name that contains one of these words."""
        return [file for file in self.tests if any(word in name for name in file.names for word in names)]


def read_repository(root: Path) -> tuple[Repository, list[str]]:
    """What is in the folder, and a sentence about each file that cannot be read."""
    problems: list[str] = []
    workflows = [_read_workflow(root, path) for path in _find(root, _WORKFLOWS, problems)]
    tests = [_read_tests(root, path) for path in _find(root, _TESTS, problems)]
    found = Repository(
        [item for item in workflows if isinstance(item, Workflow)],
        [item for item in tests if isinstance(item, TestFile)],
    )
    return found, problems + [item for item in (*workflows, *tests) if isinstance(item, str)]


def _find(root: Path, patterns: Sequence[str], problems: list[str]) -> Iterator[Path]:
    for path in sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()}):
        if path.stat().st_size <= _LARGEST_BYTES:
            yield path
        else:
            problems.append(f"{path.relative_to(root)} is too large to be looked at")


def _read_workflow(root: Path, path: Path) -> Workflow | str:
    name = str(path.relative_to(root))
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        return f"{name} cannot be read: {_first_line(error)}"
    off = _find_variables_off(content)
    lines = [line.split(" #")[0].strip() for text in _find_commands(content, off) for line in text.splitlines()]
    return Workflow(name, tuple(line for line in lines if line and not line.startswith("#")))


def _find_variables_off(content: Any) -> list[str]:
    """The variables of a workflow that are "false"."""
    found = (content.get("env") or content.get("variables")) if isinstance(content, dict) else None
    return (
        [str(name) for name, value in found.items() if str(value).lower() == "false"] if isinstance(found, dict) else []
    )


def _find_commands(content: Any, off: Sequence[str]) -> Iterator[str]:
    """The commands anywhere in a workflow, in the order of the file, without those that wait for a variable to be true
    which is `off`: `mlops ci init` writes them where the data is elsewhere."""
    if isinstance(content, list):
        for item in content:
            yield from _find_commands(item, off)
    if not isinstance(content, dict) or _waits_for(content, off):
        return
    for key, value in content.items():
        texts = value if isinstance(value, list) else [value]
        if key in _STEPS and all(isinstance(text, str) for text in texts):
            yield from texts
        else:
            yield from _find_commands(value, off)


def _waits_for(part: dict[Any, Any], off: Sequence[str]) -> bool:
    """Whether a step or a job never runs: its condition, or each of its rules, needs a variable that is off."""
    rules = part.get("rules") or [part]
    conditions = [str(rule.get("if", "")) if isinstance(rule, dict) else "" for rule in rules]
    return any(
        all(re.search(rf"{re.escape(name)} == ['\"]true['\"]", condition) for condition in conditions) for name in off
    )


def _read_tests(root: Path, path: Path) -> TestFile | str:
    name = str(path.relative_to(root))
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{name} cannot be read: {_first_line(error)}"
    nodes = list(ast.walk(tree))
    tests = sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test") for node in nodes
    )
    return TestFile(name, tests, frozenset(_names_in(nodes)))


def _names_in(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
