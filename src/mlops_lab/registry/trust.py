"""What a project allows to be served by a runner. It stands in the project, never in a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlops_lab.project import Project, load_project

_STATE = ".mlops"


@dataclass(frozen=True)
class Trust:
    """Whether models may be served by a runner, and the types that a skops file may hold beside those that skops trusts
    itself."""

    runner: bool = False
    types: tuple[str, ...] = ()


def trust_of_project(project: Project) -> Trust:
    """What the project's `[model]` says."""
    said = project.settings.model
    return Trust(said.runner, tuple(said.trusted_types))


def trust_of(package: Path) -> Trust:
    """What the project allows in whose `.mlops` the package lies; nothing where it lies elsewhere."""
    for folder in package.resolve().parents:
        if folder.name == _STATE:
            return trust_of_project(load_project(folder.parent))
    return Trust()
