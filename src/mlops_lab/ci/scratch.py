"""A project beside a copy of what is live, in a folder that is thrown away: what happens there changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from mlops_lab.lake import Lake
from mlops_lab.lake.sql import is_uri
from mlops_lab.project import Project
from mlops_lab.project.declaration import SourceSection, TableSection
from mlops_lab.project.sections import LakeSection
from mlops_lab.runtime.backup import copy_journals, copy_tables

_SQLITE = "sqlite:///"
Section = TypeVar("Section", SourceSection, TableSection)


@contextmanager
def scratch_project(project: Project, *, live: Project) -> Iterator[Project]:
    """The files of `project` with the tables, the journal and the versions of `live`, which is only read.

    The files are links, except for the state, which is a copy: the loop may work in it as in any project.
    """
    with TemporaryDirectory(prefix="mlops-validate-") as folder:
        root = Path(folder).resolve() / project.root.name
        root.mkdir()
        for path in project.root.iterdir():
            if path.name not in {project.home.name, "__pycache__"}:
                (root / path.name).symlink_to(path)
        (root / project.home.name).mkdir()
        copy_journals(live, root)  # before the tables and after them: see runtime.backup
        copy_tables(live, Lake(live.lake_path), root)
        copy_journals(live, root)
        for versions in (live.mlflow_path, live.packages_path):
            if versions.exists():
                (root / versions.relative_to(live.root)).symlink_to(versions)
        yield _reading_from(project, root)


def _reading_from(project: Project, root: Path) -> Project:
    """The project in another folder; its data are where they were."""
    settings = project.settings
    return replace(
        project,
        root=root,
        settings=msgspec.structs.replace(
            settings,
            lake=LakeSection(),  # what happens to the copy must not reach the tables of the project
            source=_located(settings.source, project.root),
            tables={name: _located(table, project.root) for name, table in settings.tables.items()},
        ),
    )


def _located(section: Section, root: Path) -> Section:
    data = section.data
    if not data:
        return section
    if data.startswith(_SQLITE):
        return msgspec.structs.replace(section, data=_SQLITE + str(root / data.removeprefix(_SQLITE)))
    return section if is_uri(data) else msgspec.structs.replace(section, data=str(root / data))
