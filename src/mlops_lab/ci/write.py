"""Writing the files of a CI system into a project, or saying what would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from mlops_lab.ci import github, gitlab, pre_commit
from mlops_lab.ci.plan import CIPlan, is_in_repository
from mlops_lab.errors import InvalidInput
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.project import Project


class Provider(StrEnum):
    """A system that runs the checks of a repository."""

    GITHUB = "github"
    GITLAB = "gitlab"


class FileState(StrEnum):
    """How a file that would be written compares with the one that is there."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


_WRITERS: Mapping[Provider, tuple[str, Callable[[CIPlan], str]]] = {
    Provider.GITHUB: (github.PATH, github.write_workflow),
    Provider.GITLAB: (gitlab.PATH, gitlab.write_pipeline),
}


def plan_of(project: Project) -> CIPlan:
    """The plan of a project as it is now."""
    return CIPlan(has_data=all(is_in_repository(place) for place in project.settings.named_data if place))


def write_ci_files(provider: Provider, plan: CIPlan) -> dict[str, str]:
    """The content of the files by their path in the project."""
    path, write = _WRITERS[provider]
    return {path: write(plan), pre_commit.PATH: pre_commit.write_hooks(plan)}


def compare_files(folder: Path, files: Mapping[str, str]) -> dict[str, FileState]:
    """How each file compares with what is in the folder."""
    return {path: _compare(folder / path, content) for path, content in files.items()}


def place_files(folder: Path, files: Mapping[str, str], *, force: bool) -> dict[str, FileState]:
    """Write the files; how each compared before. InvalidInput, and nothing is written, where that would replace another
    file, unless `force` is given."""
    states = compare_files(folder, files)
    changed = [path for path, state in states.items() if state is FileState.CHANGED]
    if changed and not force:
        raise InvalidInput(
            "is there already, with other content",
            code="file_exists",
            where=changed[0],
            hint="`--check` says what would change, `--force` replaces it; nothing was written",
        )
    for path, content in files.items():
        if states[path] is not FileState.SAME:
            try:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(folder / path, content.encode())
            except OSError as error:
                raise disk_fault(error, folder / path) from error
    return states


def _compare(path: Path, content: str) -> FileState:
    if not path.exists():
        return FileState.NEW
    return FileState.SAME if path.read_bytes() == content.encode() else FileState.CHANGED
