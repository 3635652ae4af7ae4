"""A project as people hold it in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from mlops_lab import project as folder
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.notebook.shown import Grid, Sheet, Shown
from mlops_lab.notebook.version import Version, open_version
from mlops_lab.status.describe import describe
from mlops_lab.status.sentences import sentences
from mlops_lab.tables.declared import DECISIONS


class Tables(tuple[str, ...], Shown):
    """The names of a project's tables; shows their rows and versions."""

    _lake: Lake

    def _sheet(self) -> Sheet:
        rows = [(name, self._count(name), self._lake.version(name)) for name in self]
        return Sheet(f"tables in {self._lake.path}", grids=[Grid(("table", "rows", "version"), rows)] if rows else ())

    def _count(self, name: str) -> int:
        return self._lake.read(name, columns=list(self._lake.schema(name))[:1]).height

    __repr__ = Shown.__repr__


class Status(dict[str, Any], Shown):
    """What is so right now: the data of `mlops status --json`, which shows itself as `mlops status` tells it."""

    def _sheet(self) -> Sheet:
        return Sheet(f"{self['project']} in {self['folder']}", [("", sentence) for sentence in sentences(self)])

    __repr__ = Shown.__repr__


class Project(Shown):
    """The project in a folder, or in the nearest one above it; NotFound where there is none.

    Its two files are read anew at each use: a cell that writes one is followed by the next cell at once.
    """

    def __init__(self, path: str | Path = ".") -> None:
        self.root = folder.find_project(Path(path)).root

    @property
    def files(self) -> folder.Project:
        """The project as the loop knows it: settings and places."""
        return folder.load_project(self.root)

    @property
    def lake(self) -> Lake:
        """The project's tables, with what the server has acknowledged until now."""
        project = self.files
        lake = Lake(project.lake_path)
        ingest_journal(project, lake)
        return lake

    @property
    def tables(self) -> Tables:
        """The names of the tables in the lake; none before the first `snapshot`, `train` or `mlops run`."""
        lake = self.lake
        tables = Tables(lake.tables())
        tables._lake = lake
        return tables

    def read(self, table: str, *, version: int | None = None) -> pl.DataFrame:
        """The rows of a table, as it is or as it was at a version. NotFound lists the tables there are."""
        return self.lake.read(table, version=version)

    def status(self) -> Status:
        """What is live, how it does, what is waiting for what."""
        return Status(describe(self.files))

    def history(self) -> pl.DataFrame:
        """Every decision ever made, in order, with its rule and its reason, on the project's own clock.

        The evidence stands in `read("decisions")`.
        """
        lake, names = self.lake, ("at", "what", "version", "rule", "reason", "by")
        if not DECISIONS.exists(lake):
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        decisions = DECISIONS.read(lake).sort("number").select(names)
        return decisions.with_columns(pl.col("at").dt.convert_time_zone(self.files.timezone))

    def version(self, number: int | None = None) -> Version:
        """A registered version, ready to answer; the champion where no number is given."""
        return open_version(self.files, self.lake, number)

    def _sheet(self) -> Sheet:
        project = self.files
        source = project.settings.source
        facts = [
            ("folder", str(project.root)),
            ("predicts", f"{source.label} ({project.task}), from {len(source.request)} request fields"),
            ("data", f'{source.data}, as table "{source.table}"'),
            ("tables", ", ".join(self.tables) or "none yet: snapshot(project) brings the data in"),
        ]
        return Sheet(f"project {project.name}", facts)


AnyProject: TypeAlias = Project | str | Path


def open_project(project: AnyProject) -> Project:
    """The project, where it is or where a path leads."""
    return project if isinstance(project, Project) else Project(project)
