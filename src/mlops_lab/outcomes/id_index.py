"""The id index: on the disk, the ids of all rows that were ever logged, each with the row's moment and a hash of it.

It tells for ever whether an id was used, in bounded memory: files of sorted 64-bit hashes, which are mapped into memory
and searched in place. There are few of them: small files are merged into larger ones. Of two ids the hashes are the
same by chance in one of 2^64 pairs.

The loop writes it (`intake.logged_ids`), servers read it. All of it can be made again from the lake.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from math import isqrt
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.schemas.digest import hash_rows

ENTRY_BYTES = 24
"""Of an entry: the hash of the id, the moment in microseconds since 1970, and the hash of the content."""
Numbers = npt.NDArray[np.uint64]


class Manifest(msgspec.Struct, frozen=True):
    """The files of an index, and what it was made from: the versions of the table up to `version`, whose commit has the
    digest `commit`."""

    version: int
    commit: str
    files: tuple[str, ...] = ()
    format: Literal[1] = 1


class Entry(NamedTuple):
    """A row with some id: its moment in microseconds since 1970, and the hash of its content."""

    moment: int
    content: int


class IdFile:
    """One file of an index: the hashes of ids in order, then moments, then the hashes of contents."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.entries = len(self._data) // ENTRY_BYTES
        whole = memoryview(self._data).cast("Q")
        self._keys, self._moments, self._contents = (
            whole[part * self.entries : (part + 1) * self.entries] for part in range(3)
        )
        self._near = 4 * isqrt(self.entries) + 4
        """Hashes are spread evenly: nearly all lie no farther than this from where they are expected."""

    def __contains__(self, key: int) -> bool:
        position = self._position(key)
        return position < self.entries and self._keys[position] == key

    def find(self, key: int) -> Iterator[Entry]:
        """The entries with that hash of an id."""
        position = self._position(key)
        while position < self.entries and self._keys[position] == key:
            yield Entry(_signed(self._moments[position]), self._contents[position])
            position += 1

    def _position(self, key: int) -> int:
        """Where the first entry with that hash is, or would be."""
        keys, size = self._keys, self.entries
        expected = key * size >> 64
        low, high = max(0, expected - self._near), min(size, expected + self._near)
        if (low == 0 or keys[low - 1] < key) and (high == size or keys[high] >= key):
            return bisect_left(keys, key, low, high)
        return bisect_left(keys, key)

    def columns(self) -> tuple[Numbers, Numbers, Numbers]:
        """The hashes of ids, the moments and the hashes of contents, as arrays."""
        whole = np.frombuffer(self._data, dtype=np.uint64).reshape(3, -1)
        return whole[0], whole[1], whole[2]


class LoggedIds:
    """The id indexes of the log, as they were at the last `refresh`."""

    def __init__(self, folder: Path) -> None:
        self.predictions = IdIndex(folder / "predictions")
        self.outcomes = IdIndex(folder / "outcomes")
        self.refresh()

    def refresh(self) -> None:
        """Take over what the loop has added."""
        self.predictions.refresh()
        self.outcomes.refresh()

    def has_outcome(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether a prediction has had an outcome with these values that counted."""
        entries = self.outcomes.find(name)
        if not entries:
            return False
        known = {column: [value] for column, value in values.items() if value is not None}
        content = int(hash_contents(pl.DataFrame(known))[0]) if known else 0
        return any(entry.content == content for entry in entries if entry.content)


class IdIndex:
    """Looks ids up in the index of a table, as it was at the last `refresh`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifest: Manifest | None = None
        self._files: dict[str, IdFile] = {}

    @property
    def version(self) -> int | None:
        """The version of the table whose rows are in the index; None where there is no index."""
        return self._manifest.version if self._manifest else None

    def refresh(self) -> None:
        """Take over what the loop has added. Where the index is missing or damaged it is empty: the loop makes it
        again."""
        while True:
            manifest = read_manifest(self._folder)
            if manifest == self._manifest:
                return
            try:
                names = manifest.files if manifest else ()
                self._files = {name: self._files.get(name) or IdFile(self._folder / name) for name in names}
            except (OSError, ValueError):
                if read_manifest(self._folder) != manifest:  # its files were merged meanwhile
                    continue
                self._files, manifest = {}, None
            self._manifest = manifest
            return

    def find(self, name: str) -> list[Entry]:
        """The rows with that id, in no particular order."""
        key = hash_id(name)
        return [entry for file in self._files.values() for entry in file.find(key)]

    def __contains__(self, name: str) -> bool:
        key = hash_id(name)
        return any(key in file for file in self._files.values())

    def __len__(self) -> int:
        return sum(file.entries for file in self._files.values())


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an index; None where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None


def _signed(moment: int) -> int:
    """Of the 64 bits of a moment, the number: it may lie before 1970."""
    return moment - 2**64 if moment >= 2**63 else moment


def hash_id(name: str) -> int:
    """The hash of an id, 64 bits."""
    return int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def hash_contents(rows: pl.DataFrame) -> Numbers:
    """The hash of each row's values; never 0, which stands for content that does not matter."""
    return hash_rows(rows) | np.uint64(1)


def hash_ids(names: Sequence[str]) -> Numbers:
    """The hash of each id."""
    return np.fromiter(map(hash_id, names), dtype=np.uint64, count=len(names))
