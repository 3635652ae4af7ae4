"""A map from ids to bytes that belong to a moment, which forgets by the hour: for millions of entries.

In a dict of strings and bytes an entry takes some 200 bytes beside what it holds; here it takes 36. What comes is
collected in a dict first. Whenever there is enough of it, it is packed into a drawer: columns of keys and moments, and
all contents in one string of bytes. The index is a few sorted arrays of numbers: some bits of a key's hash, and where
its entry lies. They are merged as they grow, so that there are never many, and none is sorted anew often.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MICROS_AN_HOUR = 3_600_000_000
_PLACE_BITS = 36  # of 64: the number of a drawer, and which of its entries
_HASH_MASK = 2**64 - 2**_PLACE_BITS
_GROWTH = 8
"""An array is merged with those after it as soon as they hold an eighth of it."""

_Index = npt.NDArray[np.uint64]


class _Drawer(NamedTuple):
    keys: bytes
    moments: array[int]
    ends: array[int]
    contents: bytes
    newest_hour: int


class TimedMap:
    """Bytes by id. Each entry has a moment (microseconds since 1970), and may be forgotten by it."""

    def __init__(self, *, drawer_entries: int = 512) -> None:
        self._drawer_entries = drawer_entries
        self._secret = os.urandom(16)
        self._fresh: dict[str, tuple[int, bytes]] = {}
        self._drawers: dict[int, _Drawer] = {}
        self._next = 0
        self._runs: list[_Index] = []
        self._counts: defaultdict[int, int] = defaultdict(int)
        self._oldest_hour = 0
        self._sorted_out = 0
        """Drawers from this number on have not met `forget` yet."""

    def __len__(self) -> int:
        return sum(self._counts.values())

    def get(self, name: str) -> tuple[int, bytes] | None:
        """The moment and the content of an entry; None where there is none, or it is forgotten."""
        return self._fresh.get(name) or (self._find(name) if self._runs else None)

    def put(self, name: str, at: int, content: bytes) -> None:
        """Enter what was not there."""
        self.put_all([(name, at, content)])

    def put_all(self, entries: Iterable[tuple[str, int, bytes]]) -> None:
        """Enter what was not there: ids, moments and contents."""
        counts, fresh, most = self._counts, self._fresh, self._drawer_entries
        for name, at, content in entries:
            counts[at // MICROS_AN_HOUR] += 1
            fresh[name] = at, content
            if len(fresh) == most:
                self._pack()
                fresh = self._fresh

    def replace(self, name: str, at: int, content: bytes) -> None:
        """Enter another content of what is there, at the same moment."""
        self._fresh[name] = at, content
        if len(self._fresh) == self._drawer_entries:
            self._pack()

    def forget(self, oldest_hour: int) -> None:
        """Forget what is of an earlier hour (since 1970) than this. It must not be less than the last time."""
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

    def _find(self, name: str) -> tuple[int, bytes] | None:
        key = self._key(name)
        bits = hash(key) & _HASH_MASK
        for run in reversed(self._runs):  # the latest first
            numbers = run.data  # gives Python's integers, faster than an array gives its own
            place = bisect_left(numbers, bits + (1 << _PLACE_BITS)) - 1
            while place >= 0 and numbers[place] >= bits:
                number, entry = divmod(numbers[place] - bits, self._drawer_entries)
                drawer = self._drawers[number]
                if drawer.keys.startswith(key, 16 * entry):
                    return self._take(number, entry)
                place -= 1
        return None

    def _take(self, number: int, entry: int) -> tuple[int, bytes] | None:
        drawer = self._drawers[number]
        at = drawer.moments[entry]
        if number < self._sorted_out and at // MICROS_AN_HOUR < self._oldest_hour:
            return None
        return at, drawer.contents[drawer.ends[entry - 1] if entry else 0 : drawer.ends[entry]]

    def _key(self, name: str) -> bytes:
        """16 bytes: an id of ours as the number that it is, of another one a digest that nobody outside can foresee."""
        if len(name) == 32:
            try:
                key = bytes.fromhex(name)
            except ValueError:
                pass
            else:
                if key.hex() == name:
                    return key
        return blake2b(name.encode(errors="surrogatepass"), digest_size=16, key=self._secret).digest()

    def _pack(self) -> None:
        """Move what has come into a drawer."""
        if not self._fresh:
            return
        keys = list(map(self._key, self._fresh))
        moments, contents = zip(*self._fresh.values(), strict=True)
        ends = array("Q" if sum(map(len, contents)) >> 32 else "I", accumulate(map(len, contents)))
        newest_hour = max(moments) // MICROS_AN_HOUR
        self._drawers[self._next] = _Drawer(b"".join(keys), array("q", moments), ends, b"".join(contents), newest_hour)
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys)).view(np.uint64)
        first = self._next * self._drawer_entries
        run = (hashes & np.uint64(_HASH_MASK)) | np.arange(first, first + len(keys), dtype=np.uint64)
        run.sort()
        while self._runs and len(self._runs[-1]) < _GROWTH * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # takes no longer than merging where it meets sorted arrays
        self._runs.append(run)
        self._next += 1
        self._fresh = {}
