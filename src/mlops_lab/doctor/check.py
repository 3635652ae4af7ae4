"""What a check is, what it is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from mlops_lab.errors import MlopsError
from mlops_lab.project import Project

State: TypeAlias = Literal["ok", "warn", "fail", "off"]
Need: TypeAlias = Literal["machine", "folder", "settings"]


@dataclass(frozen=True, kw_only=True)
class Patient:
    """What is examined: the folder of a project (None: there is none), and its settings; or `fault`, why they cannot
    be read."""

    root: Path | None = None
    project: Project | None = None
    fault: MlopsError | None = None

    @property
    def folder(self) -> Path:
        """The project's folder. Only for checks that need one."""
        assert self.root is not None
        return self.root

    @property
    def home(self) -> Path:
        """The folder `.mlops`, which may not be there yet."""
        return self.folder / ".mlops"

    @property
    def settled(self) -> Project:
        """The project with its settings. Only for checks that need them."""
        assert self.project is not None
        return self.project


class Finding(Struct, frozen=True, kw_only=True):
    """What a check says: a state, what was seen, and what to do (None where nothing is to be done).

    `off`: it is not in use, or could not be looked at.
    """

    state: State
    seen: str
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check: its name, what it looks at, what it needs, and the function that looks and changes nothing.

    One that needs a folder or settings is `off` where there are none.
    """

    name: str
    looks_at: str
    needs: Need
    look: Callable[[Patient], Finding]


def ok(seen: str) -> Finding:
    """All is well."""
    return Finding(state="ok", seen=seen)


def warn(seen: str, hint: str) -> Finding:
    """It works, and should not stay like this."""
    return Finding(state="warn", seen=seen, hint=hint)


def fail(seen: str, hint: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(state="fail", seen=seen, hint=hint)


def off(seen: str, hint: str | None = None) -> Finding:
    """It is not in use."""
    return Finding(state="off", seen=seen, hint=hint)


def from_error(error: MlopsError) -> Finding:
    """An error of ours is something that does not work."""
    return fail(str(error), error.hint or "run the command that needs it: it says more")
