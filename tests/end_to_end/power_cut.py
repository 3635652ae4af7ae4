"""A disk that forgets what was not synced: it notes every sync and deletion of this process, and rebuilds what a power
cut at any of them leaves."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Crash:
    """One moment: the files whose name and content are on the disk, the names that exist, what was acknowledged."""

    content: dict[Path, bytes]
    names: frozenset[Path]
    existing: frozenset[Path]
    acknowledged: frozenset[str]

    def rebuild(self, root: Path, target: Path, *, keep_names: bool) -> None:
        """What is left: with `keep_names` all names, files that were not synced being empty; else only synced names."""
        for path in sorted(self.existing if keep_names else self.names):
            copy = target / path.relative_to(root)
            if not keep_names and any(parent not in self.names for parent in _parents(path, root)):
                continue
            if path in self.content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(self.content[path])
            elif path.suffix or path.name == "lock":
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.touch()
            else:
                copy.mkdir(parents=True, exist_ok=True)


class Disk:
    """Notes what this process syncs and deletes below a folder, of which everything is on the disk at the beginning.

    Deletions take effect at once, though nothing synced them: the worst case.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._names = {root, *root.rglob("*")}
        self._content = {path: path.read_bytes() for path in self._names if path.is_file()}
        self._replaced: dict[Path, bytes] = {}
        self._acknowledged: set[str] = set()
        self.crashes: list[Crash] = []
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._noting(getattr(os, name), self._note_sync))
        monkeypatch.setattr(os, "unlink", self._noting(os.unlink, self._note_unlink))
        monkeypatch.setattr(os, "replace", self._noting(os.replace, self._note_replace))

    def acknowledge(self, names: list[str]) -> None:
        """These were acknowledged now."""
        self._acknowledged |= {*names}

    def note_crash(self) -> None:
        """A power cut at this moment."""
        existing = frozenset(self._root.rglob("*"))
        names, acknowledged = frozenset(self._names), frozenset(self._acknowledged)
        self.crashes.append(Crash(dict(self._content), names, existing, acknowledged))

    def _noting(self, call: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
        def noting(*arguments: Any, **options: Any) -> Any:
            result = call(*arguments, **options)
            note(*arguments)
            return result

        return noting

    def _note_sync(self, file: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        if not path.is_relative_to(self._root):
            return
        if path.is_dir():
            self._names |= {*path.iterdir()}
            for name in [name for name in self._replaced if name.parent == path]:
                self._content[name] = self._replaced.pop(name)
        else:
            self._content[path] = path.read_bytes()
        self.note_crash()

    def _note_unlink(self, path: str | Path, *_: object) -> None:
        path = Path(path)
        if path.is_relative_to(self._root):
            self._names.discard(path)
            self._content.pop(path, None)
            self.note_crash()

    def _note_replace(self, source: str | Path, target: str | Path) -> None:
        if Path(source) in self._content:
            self._replaced[Path(target)] = self._content.pop(Path(source))


def _parents(path: Path, root: Path) -> list[Path]:
    return [parent for parent in path.parents if parent.is_relative_to(root)]
