"""A project in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import polars as pl

from mlops_lab import project as folder
from mlops_lab.intake.journal import ingest_if_reachable
from mlops_lab.lake import Lake
from mlops_lab.notebook.display import Displayed, Grid, Sheet
from mlops_lab.notebook.version import Version, open_version
from mlops_lab.status.describe import describe
from mlops_lab.status.records import ProjectStatus
from mlops_lab.status.sentences import sentences
from mlops_lab.tables.declared import DECISIONS
from mlops_lab.tables.open_lake import open_lake


class Tables(tuple[str, ...], Displayed):
    """The names of a project's tables; displayed with their rows and versions."""

    _lake: Lake

    def _sheet(self) -> Sheet:
        rows = [(name, self._count(name), self._lake.version(name)) for name in self]
        return Sheet(f"tables in {self._lake.path}", grids=[Grid(("table", "rows", "version"), rows)] if rows else ())

    def _count(self, name: str) -> int:
        return self._lake.read(name, columns=list(self._lake.schema(name))[:1]).height

    __repr__ = Displayed.__repr__


class Status(dict[str, Any], Displayed):
    """The present state: the data of `mlops status --json`, displayed as the sentences of `mlops status`."""

    def _sheet(self) -> Sheet:
        status = msgspec.convert(dict(self), ProjectStatus)
        return Sheet(f"{self['project']} in {self['folder']}", [("", sentence) for sentence in sentences(status)])

    __repr__ = Displayed.__repr__


class Project(Displayed):
    """The project in a folder, or in the nearest one above it; NotFound where there is none.

    Its two files are read again at each use: after a cell has written one, the next cell uses it.
    """

    def __init__(self, path: str | Path = ".") -> None:
        self.root = folder.find_project(Path(path)).root

    @property
    def files(self) -> folder.Project:
        """The project as the loop uses it: settings and paths."""
        return folder.load_project(self.root)

    @property
    def lake(self) -> Lake:
        """The project's tables, with what the server has acknowledged until now."""
        project = self.files
        lake = open_lake(project)
        ingest_if_reachable(project, lake)
        return lake

    @property
    def tables(self) -> Tables:
        """The names of the tables in the lake; none before the first `snapshot`, `train` or `mlops run`."""
        lake = self.lake
        tables = Tables(lake.tables())
        tables._lake = lake
        return tables

    def read(self, table: str, *, version: int | None = None) -> pl.DataFrame:
        """The rows of a table, now or at a version. NotFound lists the tables that exist."""
        return self.lake.read(table, version=version)

    def status(self) -> Status:
        """What is live, how good it is, and what is waiting for what."""
        return Status(msgspec.to_builtins(describe(self.files)))

    def history(self) -> pl.DataFrame:
        """Every decision ever made, in order, with its rule and its reason, in the project's time zone.

        `read("decisions")` has the evidence too.
        """
        lake, names = self.lake, ("at", "what", "version", "rule", "reason", "by")
        if not DECISIONS.exists(lake):
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        decisions = DECISIONS.read(lake).sort("number").select(names)
        return decisions.with_columns(pl.col("at").dt.convert_time_zone(self.files.timezone))

    def version(self, number: int | None = None) -> Version:
        """A registered version; the champion where no number is given."""
        return open_version(self.files, self.lake, number)

    def _sheet(self) -> Sheet:
        project = self.files
        source = project.settings.source
        facts = [
            ("folder", str(project.root)),
            ("predicts", f"{source.label} ({project.task}), from {len(source.request)} request fields"),
            ("data", f'{source.data}, as table "{source.table}"'),
            ("tables", ", ".join(self.tables) or "none yet: snapshot(project) loads the data"),
        ]
        return Sheet(f"project {project.name}", facts)


AnyProject: TypeAlias = Project | str | Path


def open_project(project: AnyProject) -> Project:
    """The project itself, or the one at a path."""
    return project if isinstance(project, Project) else Project(project)
