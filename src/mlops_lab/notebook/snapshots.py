"""A table as it stands: what is new in the data files is brought in first, as `mlops run` would."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mlops_lab.lake import Snapshot
from mlops_lab.loop.tick import Loop
from mlops_lab.notebook.project import AnyProject, open_project
from mlops_lab.notebook.shown import Sheet, Shown


@dataclass(frozen=True, repr=False)
class TakenSnapshot(Snapshot, Shown):
    """A table at a version, with its rows and the fingerprint of its content."""

    def _sheet(self) -> Sheet:
        return Sheet(str(self), [("rows", f"{self.rows:,}"), ("fingerprint", self.fingerprint)])

    __repr__ = Shown.__repr__


def snapshot(project: AnyProject, table: str | None = None) -> TakenSnapshot:
    """The table (the source's where none is named) at its present version, its data file read before.

    The same content has the same fingerprint on any machine. InvalidInput says which rows break the contract;
    NotFound lists the tables there are.
    """
    files = open_project(project).files
    loop = Loop(files)
    loop.load(loop.now())
    return TakenSnapshot(**asdict(loop.lake.snapshot(table or files.settings.source.table)))
