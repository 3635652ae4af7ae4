"""A snapshot of a table; new rows of the data files are loaded first, as `mlops run` does."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mlops_lab.lake import Snapshot
from mlops_lab.loop.tick import Loop
from mlops_lab.notebook.display import Displayed, Sheet
from mlops_lab.notebook.project import AnyProject, open_project


@dataclass(frozen=True, repr=False)
class TakenSnapshot(Snapshot, Displayed):
    """A table at a version, with its number of rows and the fingerprint of its content."""

    def _sheet(self) -> Sheet:
        return Sheet(str(self), [("rows", f"{self.rows:,}"), ("fingerprint", self.fingerprint)])

    __repr__ = Displayed.__repr__


def snapshot(project: AnyProject, table: str | None = None) -> TakenSnapshot:
    """The table (by default the source's) at its present version, after its data file was read.

    The same content has the same fingerprint on any machine. InvalidInput says which rows break the contract;
    NotFound lists the tables that exist.
    """
    files = open_project(project).files
    loop = Loop(files)
    loop.load(loop.now())
    return TakenSnapshot(**asdict(loop.lake.snapshot(table or files.settings.source.table)))
