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


def trust_of(package: Path) -> Trust:
    """What the project in whose `.mlops` the package lies allows; nothing where it lies elsewhere."""
    for folder in package.resolve().parents:
        if folder.name == _STATE_FOLDER:
            return trust_of_project(load_project(folder.parent))
    return Trust()
