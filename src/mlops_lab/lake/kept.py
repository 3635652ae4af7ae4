"""Tables that stay open: what was asked of a version is not asked of delta-rs again.

A table that is kept and updated takes a sixth of the time of opening it again. After some appends it is opened again,
because a kept table gets slower with each append. The log of a version never changes: its columns, its files and the
positions of writers are kept until the table goes on.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from deltalake import DeltaTable

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.added import has_commit
from mlops_lab.lake.durability import commits_of
from mlops_lab.lake.faults import as_lake_faults
from mlops_lab.lake.leases import Lease, LeasedVersion
from mlops_lab.lake.reading import table_files

_REOPEN_AFTER_APPENDS = 20
_COMMITS_STAY_SECONDS = 3600.0
"""Less than `lake.retention` lets commits stay."""

_Answer = TypeVar("_Answer")


@dataclass
class _Kept:
    """An open table; when it was updated, in seconds of the monotonic clock; and what was asked of its version."""

    handle: DeltaTable
    updated: float = -math.inf
    version: int = -1
    answers: dict[Hashable, Any] = field(default_factory=dict)

    def note_version(self) -> int:
        """The version of the handle; what was asked of another one is forgotten."""
        if (version := int(self.handle.version())) != self.version:
            self.version, self.answers = version, {}
        return version


class KeptTables:
    """The open tables of a lake, by name. Several threads may ask: one goes on with a table, or is answered, at a
    time."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._lock = threading.RLock()
        self._kept: dict[str, _Kept] = {}
        self._appends: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    def latest(self, name: str) -> DeltaTable:
        """The table at its newest version. Look at it at once: it goes on with the table."""
        with self._lock:
            return self._latest(name).handle

    def at(self, name: str, version: int) -> DeltaTable:
        """The table at a version."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept.note_version() == version:
                return kept.handle
        return DeltaTable(str(self._lake / name), version=version)

    def ask(
        self, name: str, what: Hashable, answer: Callable[[DeltaTable], _Answer], *, version: int | None = None
    ) -> _Answer:
        """What `answer` says of the table at its newest version, or at another one; asked once for each version.

        `what` names the question. Do not change what is returned.
        """
        with self._lock:
            if version is None:
                kept = self._latest(name)
            elif (present := self._kept.get(name)) is not None and present.note_version() == version:
                kept = present
            else:
                return answer(self.at(name, version))
            if what not in kept.answers:
                kept.answers[what] = answer(kept.handle)
            found: _Answer = kept.answers[what]
            return found

    def forget(self, name: str) -> None:
        """Open the table again when it is used next."""
        self._kept.pop(name, None)

    def note_append(self, name: str) -> None:
        """Note that this process has appended to the table."""
        self._appends[name] = self._appends.get(name, 0) + 1
        if self._appends[name] % _REOPEN_AFTER_APPENDS == 0:
            self.forget(name)

    def _latest(self, name: str) -> _Kept:
        kept = self._kept.get(name)
        if kept is not None and self._is_newest(name, kept):
            return kept
        if kept is None:
            kept = self._kept[name] = _Kept(DeltaTable(str(self._lake / name)))
        else:
            kept.handle.update_incremental()
        kept.updated = time.monotonic()
        kept.note_version()
        return kept

    def _is_newest(self, name: str, kept: _Kept) -> bool:
        """Whether nothing was committed since the table was updated: to look for one file is a hundred times faster
        than to update it. Commits stay for hours; a table that was not updated for so long may lack some of them."""
        table, version = self._lake / name, kept.note_version()
        return (
            time.monotonic() - kept.updated < _COMMITS_STAY_SECONDS
            and has_commit(table, version)
            and not has_commit(table, version + 1)
        )


class PinnedTables(KeptTables):
    """The open tables of a lake of which each is read at its present version, whatever is committed later. What these
    versions need stays on the disk as long as this is in use."""

    def __init__(self, lake: Path, names: Sequence[str]) -> None:
        super().__init__(lake)
        self.versions = {name: int(commits_of(lake / name)[-1].stem) for name in names}
        self._lease = Lease(
            lake, {name: LeasedVersion(version, self._open(name)) for name, version in self.versions.items()}
        )

    def at(self, name: str, version: int) -> DeltaTable:
        """The table at a version."""
        return self._latest(name).handle if version == self.versions[name] else super().at(name, version)

    def _open(self, name: str) -> tuple[str, ...]:
        """The files of a table, which stays open: its log may be deleted later. A table that cannot be opened is an
        error to whoever reads it."""
        with suppress(EnvironmentFault), as_lake_faults(name, self._lake / name):
            return tuple(self.ask(name, "files", table_files))
        return ()

    def _latest(self, name: str) -> _Kept:
        if name not in self._kept:
            self._kept[name] = _Kept(DeltaTable(str(self._lake / name), version=self.versions[name]))
            self._kept[name].note_version()
        return self._kept[name]
