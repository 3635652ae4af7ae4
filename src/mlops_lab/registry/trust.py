"""What a project allows a runner to serve. The project decides it, never a model or its package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlops_lab.project import Project, load_project

_STATE_FOLDER = ".mlops"


@dataclass(frozen=True)
class Trust:
    """Whether a runner may serve models, and the types that a skops file may hold beside those that skops trusts by
    itself."""

    runner: bool = False
    types: tuple[str, ...] = ()


def trust_of_project(project: Project) -> Trust:
    """What the section `[model]` of the project allows."""
    section = project.settings.model
    return Trust(section.runner, tuple(section.trusted_types))


def home_of(package: Path) -> Path | None:
    """The `.mlops` of the project in which a package lies; None where it lies elsewhere. A link does not lead out of
    the project."""
    for path in (package.absolute(), package.resolve()):
        for folder in path.parents:
            if folder.name == _STATE_FOLDER:
                return folder
    return None


def trust_of(package: Path) -> Trust:
    """What the project in whose `.mlops` the package lies allows; nothing where it lies elsewhere."""
    home = home_of(package)
    return Trust() if home is None else trust_of_project(load_project(home.parent))
