"""A lab: what its `lab.toml` says, its story, and the program that makes and checks it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol, cast

import msgspec
from msgspec import Meta, Struct

from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.labs.data.cases import LabData
from mlops_lab.learn.labs.data.layout import Layout, Needs
from mlops_lab.learn.labs.data.words import fill_words
from mlops_lab.learn.labs.work import LabWork

LABS_FOLDER = Path(__file__).parent


class CheckText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check of `lab.toml`: its name, what must be true, three hints, and the checks that must pass `after` which it
    makes sense."""

    name: str
    must: str
    hints: Annotated[tuple[str, ...], Meta(min_length=HINTS, max_length=HINTS)]
    after: tuple[str, ...] = ()


class LabText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `lab.toml`. `fails_with`: by check, the key of its message for the lab as handed out; a check that
    is not named waits for another one, or passes already. `programs` must be on the machine."""

    title: str
    summary: str
    minutes: Annotated[int, Meta(ge=1)]
    evidence: str
    fails_with: dict[str, str]
    checks: Annotated[tuple[CheckText, ...], Meta(min_length=5, max_length=10)]
    programs: tuple[str, ...] = ()


class LabProgram(Protocol):
    """What the module of a lab has: `NEEDS`, of its data; `start` makes it in an empty folder; `CHECKS` by name, in the
    order of `lab.toml`.

    A check returns, or raises Mistake."""

    NEEDS: Needs
    CHECKS: dict[str, Callable[[LabWork], None]]

    def start(self, folder: Path, data: LabData) -> float | None:
        """Make the lab in an empty folder. The greatest log loss of good answers to hidden rows, where a check asks."""


class Lab(Struct, frozen=True, kw_only=True):
    """A lab; `name` is its folder, with `-` for `_`. Its texts have words in braces: see `with_words`."""

    name: str
    text: LabText

    @property
    def folder(self) -> Path:
        """Where its files are in the package."""
        return _folder(self.name)

    def with_words(self, layout: Layout) -> Lab:
        """The lab with the words of its data in its checks and hints."""
        return Lab(name=self.name, text=msgspec.convert(_fill_all(msgspec.to_builtins(self.text), layout), LabText))

    def write_story(self, layout: Layout) -> str:
        """The page that the learner gets."""
        return fill_words((self.folder / "story.md").read_text(encoding="utf-8"), layout)

    def load(self) -> LabProgram:
        """Its program. Training libraries are imported by the commands that it runs."""
        return cast(LabProgram, import_module(f"mlops_lab.learn.labs.{self.folder.name}.lab"))


def _fill_all(content: Any, layout: Layout) -> Any:
    if isinstance(content, str):
        return fill_words(content, layout)
    if isinstance(content, Mapping):
        return {name: _fill_all(value, layout) for name, value in content.items()}
    return [_fill_all(item, layout) for item in content] if isinstance(content, list | tuple) else content


def _folder(name: str) -> Path:
    return LABS_FOLDER / name.replace("-", "_")


def read_lab(name: str) -> Lab:
    """The lab in a folder of the package."""
    content = tomllib.loads((_folder(name) / "lab.toml").read_text(encoding="utf-8"))
    return Lab(name=name, text=msgspec.convert(content, LabText))
