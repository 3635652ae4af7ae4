"""What every exporter says about itself: one record per tool, and what it reports when it is done."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
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
    read_by: str = ""
    """The public command or library that read the result in our tests."""
    said: str = ""
    """What it said."""
    unchecked: str = ""
    """What no tool has read, and why."""

    def export(self, project: Project, folder: Path) -> ExportReport:
        """Write the project into `folder`, which must be new or empty, and report what was written.

        InvalidInput where the folder is taken. After an error nothing is left behind.
        """
        with fill_new_folder(folder) as draft:
            report = importlib.import_module(self.module).export(project, draft)
        assert isinstance(report, ExportReport), f"{self.module}.export must return an ExportReport"
        return report

    @property
    def tested(self) -> str:
        """How the result was tested, in a sentence: `mlops export list`, docs/tools.md."""
        read = f"{self.read_by}: {self.said}" if self.read_by else ""
        return "; ".join(filter(None, (read, f"unchecked: {self.unchecked}" if self.unchecked else "")))

    def compare(self, project: Project, folder: Path) -> dict[str, str]:
        """How the files in a folder differ from those that would be written now: by path "new", "changed", "gone" (it
        would not be written any more) or "same". Files of the folder that no pattern of `writes` names are left out."""
        with TemporaryDirectory(prefix="mlops-export-") as scratch:
            fresh = Path(scratch) / "export"
            self.export(project, fresh)
            wanted, present = _read_files(fresh), _read_files(folder)
        ours = {name for name in present if any(Path(name).match(pattern) for pattern in self.writes)}
        return {name: _compare(wanted.get(name), present.get(name)) for name in sorted(wanted.keys() | ours)}


def _compare(wanted: bytes | None, present: bytes | None) -> str:
    if wanted is None or present is None:
        return "gone" if wanted is None else "new"
    return "same" if wanted == present else "changed"


def _read_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
