"""What a view of the page is: one address, one query, one template, and the command that tells the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.open_lake import open_lake

Content: TypeAlias = dict[str, Any]
"""What a template shows, by name."""


@dataclass(frozen=True)
class Source:
    """What a view reads from: a project, and its lake."""

    project: Project
    lake: Lake

    @classmethod
    def of(cls, project: Project) -> Source:
        """That of a project."""
        return cls(project, open_lake(project))


@dataclass(frozen=True, kw_only=True)
class View:
    """A view: `name` stands in its address, `title` in the navigation, `command` tells the same in a terminal.

    `query` reads what the template `NAME.html` shows; it gets the parameters of the address (`?id=…`) and changes
    nothing.
    """

    name: str
    title: str
    command: str
    query: Callable[[Source, Mapping[str, str]], Content]

    @property
    def template(self) -> str:
        """The file in `templates/` that shows it."""
        return f"{self.name}.html"


def version_number(text: str) -> int:
    """The number of a version that stands in an address; InvalidInput where it is none."""
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is not the number of a version",
            code="bad_version",
            where="version",
            hint="choose one from the list",
        ) from None
