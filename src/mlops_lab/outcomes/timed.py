"""A map from ids to numbers that belong to a moment, which forgets by the hour: for millions of entries.

In a dict an entry takes some 300 bytes; here it takes 40. What comes is collected in a dict first. Whenever there is
enough of it, it is packed into a drawer: columns of keys, moments and numbers. The index is a few sorted arrays of
numbers: some bits of a key's hash, and where its entry lies. They are merged as they grow, so that there are never
many, and none is sorted anew often.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MICROS_AN_HOUR = 3_600_000_000
_KEY_BYTES = 16
_PLACE_BITS = 36  # of 64: the number of a drawer, and which of its entries
_HASH_MASK = 2**64 - 2**_PLACE_BITS
_GROWTH = 8
"""An array is merged with those after it as soon as they hold an eighth of it."""

_Index = npt.NDArray[np.uint64]


class _Drawer(NamedTuple):
    keys: bytes
    moments: array[int]
    numbers: array[int]
    newest_hour: int


class TimedMap:
    """Numbers (64 bits) by id. Each entry has a moment (microseconds since 1970), and may be forgotten by it."""

    def __init__(self, *, drawer_entries: int = 512) -> None:
        self._drawer_entries = drawer_entries
        self._secret = os.urandom(16)
        self._fresh: dict[str, tuple[int, int]] = {}
        self._drawers: dict[int, _Drawer] = {}
        self._next = 0
        self._runs: list[_Index] = []
        self._counts: Counter[int] = Counter()
        """How many of what is packed are of an hour."""
        self._oldest_hour = 0
        self._sorted_out = 0
        """Drawers from this number on have not met `forget` yet."""

    def __len__(self) -> int:
        return len(self._fresh) + self._counts.total()

    def get(self, name: str) -> tuple[int, int] | None:
        """The moment and the number of an entry; None where there is none, or it is forgotten."""
        return self._fresh.get(name) or (self._find(name) if self._runs else None)

    def put(self, names: Sequence[str], moments: Sequence[int], numbers: Sequence[int]) -> None:
        """Enter what was not there."""
        self._fresh.update(zip(names, zip(moments, numbers, strict=True), strict=True))
        while len(self._fresh) >= self._drawer_entries:
            self._pack()

    def forget(self, oldest_hour: int) -> None:
        """Forget what is of an earlier hour (since 1970) than this. It must not be less than the last time."""
        if self._fresh:
            self._pack()
        self._oldest_hour, self._sorted_out = oldest_hour, self._next
        for hour in [hour for hour in self._counts if hour < oldest_hour]:
            del self._counts[hour]
        empty = [number for number, drawer in self._drawers.items() if drawer.newest_hour < oldest_hour]
        for number in empty:
            del self._drawers[number]
        if empty:
            self._runs = [run[~np.isin(self._numbers_in(run), empty)] for run in self._runs]

    def _numbers_in(self, run: _Index) -> _Index:
        return (run & np.uint64(2**_PLACE_BITS - 1)) // np.uint64(self._drawer_entries)

    def _find(self, name: str) -> tuple[int, int] | None:
        key = self._key(name)
        bits = hash(key) & _HASH_MASK
        for run in reversed(self._runs):  # the latest first
            numbers = run.data  # gives Python's integers, faster than an array gives its own
            place = bisect_left(numbers, bits + (1 << _PLACE_BITS)) - 1
            while place >= 0 and numbers[place] >= bits:
                number, entry = divmod(numbers[place] - bits, self._drawer_entries)
                drawer = self._drawers[number]
                if drawer.keys.startswith(key, _KEY_BYTES * entry):
                    at = drawer.moments[entry]
                    is_forgotten = number < self._sorted_out and at // MICROS_AN_HOUR < self._oldest_hour
                    return None if is_forgotten else (at, drawer.numbers[entry])
                place -= 1
        return None

    def _key(self, name: str) -> bytes:
        """16 bytes: an id of ours as the number that it is, of another one a digest that nobody outside can foresee."""
        return (
            _as_numbers([name])
            or blake2b(name.encode(errors="surrogatepass"), digest_size=_KEY_BYTES, key=self._secret).digest()
        )

    def _pack(self) -> None:
        """Move what came first, as much as a drawer takes, into one."""
        size = min(len(self._fresh), self._drawer_entries)
        names = list(islice(self._fresh, size))
        moments, numbers = zip(*islice(self._fresh.values(), size), strict=True)
        self._fresh = dict(islice(self._fresh.items(), size, None))
        keys = _as_numbers(names) or b"".join(map(self._key, names))
        hours = Counter([at // MICROS_AN_HOUR for at in moments])
        self._counts += hours
        self._drawers[self._next] = _Drawer(keys, array("q", moments), array("Q", numbers), max(hours))
        hashes = [hash(keys[start : start + _KEY_BYTES]) for start in range(0, len(keys), _KEY_BYTES)]
        first = self._next * self._drawer_entries
        run = np.array(hashes, dtype=np.int64).view(np.uint64) & np.uint64(_HASH_MASK)
        run |= np.arange(first, first + size, dtype=np.uint64)
        run.sort()
        while self._runs and len(self._runs[-1]) < _GROWTH * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # takes no longer than merging where it meets sorted arrays
        self._runs.append(run)
        self._next += 1


def _as_numbers(names: Sequence[str]) -> bytes | None:
    """The keys of ids one after the other, where all of them are ours: 32 digits in lower case."""
    digits = "".join(names)
    if set(map(len, names)) != {2 * _KEY_BYTES}:
        return None
    try:
        keys = bytes.fromhex(digits)
    except ValueError:
        return None
    return keys if keys.hex() == digits else None  # it reads capitals too, and leaves out blanks
