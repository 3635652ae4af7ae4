"""What every exporter says about itself: one record per tool, and what it reports when it is done."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.project import Project


@dataclass(frozen=True)
class ExportReport:
    """What an export did. `details` go into the JSON of the command, `lines` are printed for people."""

    details: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """A tool that the project can be written for: `mlops export NAME DIR`.

    `summary`: one line for the help. `writes`: patterns, relative to the folder, that name every file it writes; a
    README.md, which names the command, is among them. `module`: where its function `export(project, folder)` is; the
    function writes into an empty folder and returns an ExportReport. The module is imported only when it is used.
    """

    name: str
    summary: str
    writes: tuple[str, ...]
    module: str
    needs_live_version: bool = False
    needs_data: bool = True
    """Whether rows must have been loaded."""

    def export(self, project: Project, folder: Path) -> ExportReport:
        """Write the project into `folder`, which must be new or empty, and report what was written.

        InvalidInput where the folder is taken. After an error nothing is left behind.
        """
        with fill_new_folder(folder) as draft:
            report = importlib.import_module(self.module).export(project, draft)
        assert isinstance(report, ExportReport), f"{self.module}.export must return an ExportReport"
        return report
