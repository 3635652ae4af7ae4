"""What is checked of rows beyond their types: texts without spaces around them, moments that a table can store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter
from time import monotonic
from typing import Any

import msgspec

from mlops_lab import clock

EARLIEST, LATEST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""The range of 64-bit nanoseconds, with which Delta tables are filtered."""
CLOCK_SLACK = timedelta(days=1)
"""How far in the future a moment of the past may be, because of a wrong clock."""
_CLOCK_CACHE_SECONDS = 1.0
"""How long a reading of the clock is used to tell past from future."""


class RowCheck:
    """Strips the fields `texts` of rows, and checks their fields `moments`: those in `past` are not in the future."""

    def __init__(self, texts: Sequence[str], moments: Sequence[str], *, past: Collection[str]) -> None:
        self._texts = texts
        self._texts_of = _getter(texts)
        self._moments = [(name, attrgetter(name), name in past) for name in moments]
        self._latest, self._until = EARLIEST, 0.0

    def apply(self, row: msgspec.Struct) -> None:
        """Strip the texts of a row in place. ValueError where one of its moments is not allowed."""
        for text in self._texts_of(row):
            if text is not None and text.strip() is not text:  # `strip` returns the same object if there is nothing
                self._strip(row)
                break
        for name, get, is_past in self._moments:
            moment = get(row)
            if moment is None or EARLIEST < moment < (self._latest_past() if is_past else LATEST):
                continue
            if not EARLIEST < moment < LATEST:
                raise ValueError(f"`{name}` is not in the years {EARLIEST.year} to {LATEST.year}")
            raise ValueError(f"`{name}` is in the future")

    def passes(self, rows: Sequence[msgspec.Struct]) -> bool:
        """Whether `apply` would leave each of these rows as it is; half as expensive, because it goes by column."""
        texts = list(filter(None, chain.from_iterable(map(self._texts_of, rows))))
        if texts != list(map(str.strip, texts)):
            return False
        for _, get, is_past in self._moments:
            moments = list(filter(None, map(get, rows)))
            latest = self._latest_past() if is_past else LATEST
            if moments and not (min(moments) > EARLIEST and max(moments) < latest):
                return False
        return True

    def _strip(self, row: msgspec.Struct) -> None:
        for name in self._texts:
            if (text := getattr(row, name)) is not None:
                msgspec.structs.force_setattr(row, name, text.strip())

    def _latest_past(self) -> datetime:
        """The latest moment that is taken for one of the past. Reading the clock takes as long as all other checks."""
        if monotonic() > self._until:
            self._latest, self._until = clock.now() + CLOCK_SLACK, monotonic() + _CLOCK_CACHE_SECONDS
        return self._latest


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function from an object to the values of these attributes."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda owner: tuple([getattr(owner, name) for name in names])
