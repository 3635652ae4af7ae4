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
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MICROS_AN_HOUR = 3_600_000_000
_KEY_BYTES = 16
_HALVES = Struct("<QQ")
_PLACE_BITS = 36  # of 64: the number of a drawer, and which of its entries
_HASH_MASK = 2**64 - 2**_PLACE_BITS
_GROWTH = 4
"""An array is merged with those after it as soon as they hold a quarter of it."""

_Numbers = npt.NDArray[np.uint64]


class _Drawer(NamedTuple):
    keys: bytes
    moments: array[int]
    numbers: array[int]
    newest_hour: int


class ExpiringMap:
    """Numbers (64 bits) by id. Each entry has a moment (microseconds since 1970), and may be forgotten by it."""

    def __init__(self, *, drawer_entries: int = 512) -> None:
        self._drawer_entries = drawer_entries
        self._secret = os.urandom(16)
        self._factors: _Numbers = np.frombuffer(os.urandom(16), dtype=np.uint64) | np.uint64(1)
        self._first, self._second = self._factors.tolist()
        self._fresh: dict[str, tuple[int, int]] = {}
        self._drawers: dict[int, _Drawer] = {}
        self._next = 0
        self._runs: list[_Numbers] = []
        self._counts: defaultdict[int, int] = defaultdict(int)
        """How many of what is packed are of an hour."""
        self._oldest_hour = 0
        self._sorted_out = 0
        """Drawers from this number on have not met `forget` yet."""

    def __len__(self) -> int:
        return len(self._fresh) + sum(self._counts.values())

    def get(self, name: str) -> tuple[int, int] | None:
        """The moment and the number of an entry; None where there is none, or it is forgotten."""
        return self._fresh.get(name) or (self._find(name) if self._runs else None)

    def put(self, names: Sequence[str], moments: Sequence[int], numbers: Sequence[int]) -> None:
        """Enter what was not there."""
        size = self._drawer_entries
        if len(self._fresh) + len(names) >= size:
            fresh, self._fresh = self._fresh, {}
            names = [*fresh, *names]
            moments = [*[at for at, _ in fresh.values()], *moments]
            numbers = [*[number for _, number in fresh.values()], *numbers]
            whole = len(names) // size * size
            for start in range(0, whole, size):
                part = slice(start, start + size)
                self._pack(names[part], moments[part], numbers[part])
            names, moments, numbers = names[whole:], moments[whole:], numbers[whole:]
        self._fresh.update(zip(names, zip(moments, numbers, strict=True), strict=True))

    def forget(self, oldest_hour: int) -> None:
        """Forget what is of an earlier hour (since 1970) than this. It must not be less than the last time."""
        if self._fresh:
            self._pack(list(self._fresh), *zip(*self._fresh.values(), strict=True))
            self._fresh = {}
        self._oldest_hour, self._sorted_out = oldest_hour, self._next
        for hour in [hour for hour in self._counts if hour < oldest_hour]:
            del self._counts[hour]
        empty = [number for number, drawer in self._drawers.items() if drawer.newest_hour < oldest_hour]
        for number in empty:
            del self._drawers[number]
        if empty:
            self._runs = [run[~np.isin(self._drawers_in(run), empty)] for run in self._runs]

    def _drawers_in(self, run: _Numbers) -> _Numbers:
        return (run & np.uint64(2**_PLACE_BITS - 1)) // np.uint64(self._drawer_entries)

    def _find(self, name: str) -> tuple[int, int] | None:
        key = self._key(name)
        first, second = _HALVES.unpack(key)
        bits = (first * self._first + second * self._second) & _HASH_MASK  # as `_hash`
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

    def _pack(self, names: Sequence[str], moments: Sequence[int], numbers: Sequence[int]) -> None:
        """Put a drawer's worth away."""
        keys = _to_keys(names) or b"".join(map(self._key, names))
        times = array("q", moments)
        hours, counts = np.unique(np.frombuffer(times, dtype=np.int64) // MICROS_AN_HOUR, return_counts=True)
        for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
            self._counts[hour] += count
        self._drawers[self._next] = _Drawer(keys, times, array("Q", numbers), int(hours[-1]))
        first = self._next * self._drawer_entries
        run = self._hash(keys) | np.arange(first, first + len(names), dtype=np.uint64)
        run.sort()
        while self._runs and len(self._runs[-1]) < _GROWTH * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # takes no longer than merging where it meets sorted arrays
        self._runs.append(run)
        self._next += 1

    def _hash(self, keys: bytes) -> _Numbers:
        """Some bits for each key, the upper ones of 64: nobody outside can foresee whose are the same.

        (Multiply-shift: Dietzfelbinger and others, J. Algorithms 1997, doi:10.1006/jagm.1997.0873.)
        """
        halves = np.frombuffer(keys, dtype="<u8").reshape(-1, 2)
        first, second = halves[:, 0] * self._factors[0], halves[:, 1] * self._factors[1]
        bits: _Numbers = (first + second) & np.uint64(_HASH_MASK)
        return bits

    def _key(self, name: str) -> bytes:
        """An id of ours as the number that it is, of another one a digest that nobody outside can foresee."""
        return (
            _to_keys([name])
            or blake2b(name.encode(errors="surrogatepass"), digest_size=_KEY_BYTES, key=self._secret).digest()
        )


def _to_keys(names: Sequence[str]) -> bytes | None:
    """The ids as the numbers that they are, one after the other; None where not all are ours: 32 digits in lower
    case."""
    digits = "".join(names)
    if set(map(len, names)) != {2 * _KEY_BYTES}:
        return None
    try:
        keys = bytes.fromhex(digits)
    except ValueError:
        return None
    return keys if keys.hex() == digits else None  # it reads capitals too, and leaves out blanks
