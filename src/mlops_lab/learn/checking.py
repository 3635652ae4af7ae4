"""What the `check.py` of an exercise uses: the learner's files, hidden data, and how to say what is wrong."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy as np


class Mistake(Exception):
    """What is wrong with the learner's work: what was seen, what was expected. Never the answer.

    `key` names the message, for the tests of the exercise.
    """

    def __init__(self, key: str, *, seen: str, expected: str) -> None:
        super().__init__(seen)
        self.key = key
        self.seen = seen
        self.expected = expected


def fail(key: str, *, seen: str, expected: str) -> NoReturn:
    """End the check with this message."""
    raise Mistake(key, seen=seen, expected=expected)


@contextmanager
def given(what: str) -> Iterator[None]:
    """Around a call of the learner's code: if it raises, the message says for which input."""
    try:
        yield
    except (Exception, SystemExit) as error:
        error.add_note(what)
        raise


@dataclass(frozen=True)
class Work:
    """A copy of the learner's files, and an empty folder for what the check makes. `seed` decides the hidden data.

    `loaded` names the functions that the check has asked for, each with its file.
    """

    folder: Path
    scratch: Path
    seed: int
    loaded: list[tuple[str, str]] = field(default_factory=list)

    @cached_property
    def rng(self) -> np.random.Generator:
        """The source of the hidden data: the same for the same learner."""
        import numpy as np  # an exercise of the command line does not wait for it

        return np.random.default_rng(self.seed)

    def path(self, name: str) -> Path:
        """A file of the learner; Mistake where it is gone."""
        path = self.folder / name
        if not path.is_file():
            fail(
                "missing-file",
                seen=f"there is no file {name}",
                expected=f"{name}, as it was handed out: `mlops learn reset` brings it back",
            )
        return path

    def load(self, name: str, *functions: str) -> Any:
        """A module of the learner, newly imported; Mistake where it lacks one of the functions."""
        try:
            module = _import_file(self.path(name))
        except SyntaxError as error:
            error.filename = error.filename or name  # Python names no file that it cannot even decode
            raise
        for function in functions:
            if not callable(getattr(module, function, None)):
                fail(
                    "missing-function",
                    seen=f"{name} has no function {function}",
                    expected=f"a function {function} in {name}, called with the same arguments as before",
                )
            self.loaded.append((name, function))
        return module

    def load_yaml(self, name: str, expected: str) -> dict[str, Any]:
        """What a YAML file of the learner holds; Mistake where it is no YAML, or not a list of keys and values."""
        import yaml  # needed by few exercises

        try:
            content = yaml.safe_load(self.path(name).read_text())
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f"{name}, line {mark.line + 1}" if mark else name
            fail("bad-file", seen=f"{place}: {getattr(error, 'problem', None) or error}", expected="a file in YAML")
        if not isinstance(content, dict):
            fail("bad-file", seen=f"{name} holds {'nothing' if content is None else repr(content)}", expected=expected)
        return content

    def run(
        self,
        *command: str | Path,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_seconds: float = 5,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder of the learner's files, or another; Mistake where it does not end in time."""
        words = [str(word) for word in command]
        try:
            return subprocess.run(
                words,
                cwd=folder or self.folder,
                env={**os.environ, **(env or {})},
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            name = Path(words[-1]).name
            fail("too-slow", seen=f"{name} was still running after {timeout_seconds:g} s", expected="that it ends")


def _import_file(path: Path) -> ModuleType:
    """A file as a module of its own, which other files of its folder can be imported from."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
