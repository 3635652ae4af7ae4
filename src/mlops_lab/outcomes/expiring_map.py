"""A map from ids to numbers that belong to a moment, which evicts entries by the hour: for millions of entries.

In a dict an entry takes some 300 bytes; here it takes 40. New entries are collected in a dict first. As soon as there
are enough of them, they are packed into a block: columns of keys, moments and numbers. The index consists of a few
sorted arrays of 64-bit numbers: some bits of a key's hash, and the location of its entry. Arrays are merged as they
grow, so that there are never many, and none is sorted again often.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MICROS_PER_HOUR = 3_600_000_000
_KEY_BYTES = 16
_HALVES = Struct("<QQ")
_LOCATION_BITS = 36  # of 64: the number of a block, and the position of the entry in it
_HASH_MASK = 2**64 - 2**_LOCATION_BITS
_GROWTH = 4
"""An array is merged with those after it as soon as they hold a quarter of it."""

_Numbers = npt.NDArray[np.uint64]


class _Block(NamedTuple):
    keys: bytes
    moments: array[int]
    numbers: array[int]
    newest_hour: int


class ExpiringMap:
    """Numbers (64 bits) by id. Each entry has a moment (microseconds since 1970), by which it can be evicted."""

    def __init__(self, *, block_entries: int = 512) -> None:
        self._block_entries = block_entries
        self._secret = os.urandom(16)
        self._factors: _Numbers = np.frombuffer(os.urandom(16), dtype=np.uint64) | np.uint64(1)
        self._first, self._second = self._factors.tolist()
        self._unpacked: dict[str, tuple[int, int]] = {}
        self._blocks: dict[int, _Block] = {}
        self._next_block = 0
        self._indexes: list[_Numbers] = []
        self._counts: defaultdict[int, int] = defaultdict(int)
        """The number of packed entries by hour."""
        self._oldest_hour = 0
        self._evicted_blocks = 0
        """Blocks with a lower number were marked at the last `evict`: their entries of earlier hours are gone."""

    def __len__(self) -> int:
        return len(self._unpacked) + sum(self._counts.values())

    def get(self, name: str) -> tuple[int, int] | None:
        """The moment and the number of an entry; None where there is none, or it was evicted."""
        return self._unpacked.get(name) or (self._find_packed(name) if self._indexes else None)

    def put(self, names: Sequence[str], moments: Sequence[int], numbers: Sequence[int]) -> None:
        """Add entries. None of the names may be in the map already."""
        size = self._block_entries
        if len(self._unpacked) + len(names) >= size:
            unpacked, self._unpacked = self._unpacked, {}
            names = [*unpacked, *names]
            moments = [*[at for at, _ in unpacked.values()], *moments]
            numbers = [*[number for _, number in unpacked.values()], *numbers]
            whole = len(names) // size * size
            self._pack(names[:whole], moments[:whole], numbers[:whole])
            names, moments, numbers = names[whole:], moments[whole:], numbers[whole:]
        self._unpacked.update(zip(names, zip(moments, numbers, strict=True), strict=True))

    def mark(self) -> int:
        """A mark for `evict`: it stands for all that is in the map now."""
        if self._unpacked:
            self._pack(list(self._unpacked), *zip(*self._unpacked.values(), strict=True))
            self._unpacked = {}
        return self._next_block

    def evict(self, oldest_hour: int, mark: int) -> None:
        """Remove the entries of hours (since 1970) before this one that were there at the mark. Neither must be less
        than the last time."""
        self._oldest_hour, self._evicted_blocks = oldest_hour, mark
        for hour in [hour for hour in self._counts if hour < oldest_hour]:
            del self._counts[hour]
        for number, block in self._blocks.items():
            if number >= mark:
                self._count(block.moments, before=oldest_hour)
        empty = [n for n, block in self._blocks.items() if n < mark and block.newest_hour < oldest_hour]
        for number in empty:
            del self._blocks[number]
        if empty:
            self._indexes = [index[~np.isin(self._blocks_in(index), empty)] for index in self._indexes]

    def _blocks_in(self, index: _Numbers) -> _Numbers:
        """The number of the block of each entry of an index."""
        return (index & np.uint64(2**_LOCATION_BITS - 1)) // np.uint64(self._block_entries)

    def _find_packed(self, name: str) -> tuple[int, int] | None:
        key = self._key(name)
        first, second = _HALVES.unpack(key)
        bits = (first * self._first + second * self._second) & _HASH_MASK  # as in `_hash`
        for index in reversed(self._indexes):  # the newest first
            items = index.data  # gives Python integers, faster than the array gives its own
            position = bisect_left(items, bits + (1 << _LOCATION_BITS)) - 1
            while position >= 0 and items[position] >= bits:
                number, entry = divmod(items[position] - bits, self._block_entries)
                block = self._blocks[number]
                if block.keys.startswith(key, _KEY_BYTES * entry):
                    at = block.moments[entry]
                    is_evicted = number < self._evicted_blocks and at // MICROS_PER_HOUR < self._oldest_hour
                    return None if is_evicted else (at, block.numbers[entry])
                position -= 1
        return None

    def _pack(self, names: Sequence[str], moments: Sequence[int], numbers: Sequence[int]) -> None:
        """Add blocks with these entries, of which only the last may be smaller than the others, and index them."""
        moments, numbers = array("q", moments), array("Q", numbers)
        self._count(moments)
        first = self._next_block * self._block_entries
        keys = []
        for start in range(0, len(names), self._block_entries):
            part = slice(start, start + self._block_entries)
            keys.append(_to_keys(names[part]) or b"".join(map(self._key, names[part])))
            newest_hour = max(moments[part]) // MICROS_PER_HOUR
            self._blocks[self._next_block] = _Block(keys[-1], moments[part], numbers[part], newest_hour)
            self._next_block += 1
        index = self._hash(b"".join(keys)) | np.arange(first, first + len(names), dtype=np.uint64)
        index.sort()
        while self._indexes and len(self._indexes[-1]) < _GROWTH * len(index):
            index = np.concatenate([self._indexes.pop(), index])
            index.sort(kind="stable")  # of sorted arrays it takes no longer than a merge
        self._indexes.append(index)

    def _count(self, moments: array[int], *, before: int | None = None) -> None:
        """Count the entries with these moments, of hours before one if given."""
        hours, counts = np.unique(np.frombuffer(moments, dtype=np.int64) // MICROS_PER_HOUR, return_counts=True)
        for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
            if before is None or hour < before:
                self._counts[hour] += count

    def _hash(self, keys: bytes) -> _Numbers:
        """A hash of each key, the upper bits of 64. Clients cannot predict which keys collide.

        (Multiply-shift: Dietzfelbinger and others, J. Algorithms 1997, doi:10.1006/jagm.1997.0873.)
        """
        halves = np.frombuffer(keys, dtype="<u8").reshape(-1, 2)
        first, second = halves[:, 0] * self._factors[0], halves[:, 1] * self._factors[1]
        bits: _Numbers = (first + second) & np.uint64(_HASH_MASK)
        return bits

    def _key(self, name: str) -> bytes:
        """The key of an id: the number that one of our own ids stands for, of any other a digest with a secret."""
        return (
            _to_keys([name])
            or blake2b(name.encode(errors="surrogatepass"), digest_size=_KEY_BYTES, key=self._secret).digest()
        )


def _to_keys(names: Sequence[str]) -> bytes | None:
    """The numbers that the ids stand for, joined; None unless all are our own: 32 hexadecimal digits in lower case."""
    digits = "".join(names)
    if set(map(len, names)) != {2 * _KEY_BYTES}:
        return None
    try:
        keys = bytes.fromhex(digits)
    except ValueError:
        return None
    return keys if keys.hex() == digits else None  # `fromhex` also accepts capitals, and skips blanks
