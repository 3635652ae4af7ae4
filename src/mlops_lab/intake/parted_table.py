"""The data of a table that is read part by part, as often as it is needed: once to sort its rows out, and to load them.

Of all rows only what becomes of them is held, and while keys are compared, their hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlops_lab.contracts.parse import ColumnReader
from mlops_lab.contracts.rules import EXAMPLES, Breach
from mlops_lab.contracts.tables import (
    BrokenRule,
    SetAside,
    breaches_of,
    find_broken,
    monotone_rule,
    pick_columns,
    set_rows_aside,
    tell_columns,
    unique_rule,
)
from mlops_lab.intake.changes import ChangeCounts
from mlops_lab.intake.complete import Completion
from mlops_lab.intake.parted_changes import Action, PartedChanges, TypedPart, find_parted_changes
from mlops_lab.intake.table_data import DeclaredTable, as_received, outcome_names, submitted_outcomes, too_early_error
from mlops_lab.lake import Lake
from mlops_lab.lake.key_parts import hash_keys
from mlops_lab.lake.parts import Parts
from mlops_lab.tables.arrival import Arrival

_KEPT = -1
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Numbers = np.ndarray[tuple[int], np.dtype[np.int16]]
Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]


class _Part(NamedTuple):
    """Some rows, as the data has them; `place`: where they are among all rows."""

    place: slice
    rows: pl.DataFrame


class PartedTable:
    """See `TableData`."""

    def __init__(self, table: DeclaredTable, parts: Parts, *, now: datetime) -> None:
        self.table, self.height, self._parts, self._now = table, parts.rows, parts, now
        self.made_up = [field.name for field in table.fields if field.name not in parts.schema]
        self._completion = Completion(table.project, rows=parts.rows, now=now) if table.is_source else None
        self._readers = {field.name: ColumnReader(field, table.name) for field in table.fields}
        self._broken: list[BrokenRule] = []
        self._broken_rule: Numbers = np.full(self.height, _KEPT, np.int16)
        """By row the index of what it breaks."""
        self._is_early: Flags = np.zeros(self.height if table.is_source else 0, np.bool_)
        self._is_later: Flags = np.zeros_like(self._is_early)
        self._changes: PartedChanges | None = None
        names = self._complete(pl.DataFrame(schema=parts.schema), 0).columns
        tell_columns(names, table.fields, table=table.name)
        self._sort_out()

    # ---- reading ----------------------------------------------------------------------------------------------------

    def _complete(self, frame: pl.DataFrame, first: int) -> pl.DataFrame:
        return frame if self._completion is None else self._completion.complete(frame, first=first)

    def _read(self) -> Iterator[_Part]:
        first = 0
        for frame in self._parts.read():
            place = slice(first, first + frame.height)
            yield _Part(place, pick_columns(self._complete(frame, first), self.table.fields))
            first += frame.height

    def _typed(self, part: _Part) -> pl.DataFrame:
        """The rows with the declared types, null where a value does not fit its type."""
        return pl.DataFrame(
            [self._readers[name].read(part.rows[name], first=part.place.start) for name in part.rows.columns]
        )

    # ---- sorting out ------------------------------------------------------------------------------------------------

    def _sort_out(self) -> None:
        """Find what rows break, as `sort_out` does. InvalidInput where a column does not fit its type."""
        hashes: Hashes = np.empty(self.height, np.uint64)
        is_late = np.zeros(self.height if self.table.order else 0, np.bool_)
        latest = None
        for part in self._read():
            typed = self._typed(part)
            self._broken, broken_rule = find_broken(part.rows, typed, self.table.fields)
            self._broken_rule[part.place] = broken_rule.fill_null(_KEPT).to_numpy()
            hashes[part.place] = hash_keys(typed, self.table.key).to_numpy()
            if self.table.order:
                is_late[part.place], latest = _find_late(typed[self.table.order], latest)
            if self.table.is_source:
                source = self.table.project.settings.source
                is_early, is_later = typed[source.known_at] < typed[source.time], typed[source.time] > self._now
                self._is_early[part.place] = is_early.fill_null(value=False).to_numpy()
                self._is_later[part.place] = is_later.fill_null(value=False).to_numpy()
        for reader in self._readers.values():
            reader.check()
        self._mark(self._find_repeated(hashes), unique_rule(self.table.key))
        if self.table.order:
            self._mark(is_late, monotone_rule(self.table.order))

    def _mark(self, is_broken: Flags, rule: BrokenRule) -> None:
        """Note that rows break a rule, those that break no other one."""
        self._broken_rule[is_broken & (self._broken_rule == _KEPT)] = len(self._broken)
        self._broken.append(rule)

    def _find_repeated(self, hashes: Hashes) -> Flags:
        """Which rows that break no rule have the key of an earlier one; only the keys of rows whose hash is that of
        another one are compared."""
        is_repeated = np.zeros(self.height, np.bool_)
        ordered = np.sort(hashes[self._broken_rule == _KEPT])
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        if not len(twice):
            return is_repeated
        found = []
        for part in self._read():
            near = np.minimum(np.searchsorted(twice, hashes[part.place]), len(twice) - 1)
            is_suspect = (twice[near] == hashes[part.place]) & (self._broken_rule[part.place] == _KEPT)
            if is_suspect.any():
                keys = self._typed(part).select(self.table.key).filter(pl.Series(is_suspect))
                found.append(keys.with_columns(_place(part).filter(pl.Series(is_suspect))))
        suspects = pl.concat(found)
        repeated = suspects.filter(~pl.struct(self.table.key).is_first_distinct())[_PLACE]
        is_repeated[repeated.to_numpy()] = True
        return is_repeated

    @property
    def aside_height(self) -> int:
        """The number of rows that are set aside."""
        return int((self._broken_rule != _KEPT).sum())

    def breaches(self) -> list[Breach]:
        """What the rows break that are set aside: they are counted, and of each rule a few are read."""
        places: list[int] = []
        rows: dict[BrokenRule, int] = {}
        for number, rule in enumerate(self._broken):
            broken = np.flatnonzero(self._broken_rule == number)
            rows[rule] = rows.get(rule, 0) + len(broken)
            places += broken[:EXAMPLES].tolist()
        aside = self._read_aside(np.array(sorted(places), np.int64))
        return [
            replace(breach, rows=rows[breach.rule, breach.column, breach.text])
            for breach in breaches_of(self.table.name, aside)
        ]

    def aside(self) -> list[SetAside]:
        """The rows that are set aside."""
        return self._read_aside(np.flatnonzero(self._broken_rule != _KEPT))

    def _read_aside(self, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[SetAside]:
        aside: list[SetAside] = []
        for part in self._read():
            begin, end = np.searchsorted(places, [part.place.start, part.place.stop])
            if begin < end:
                wanted = places[begin:end]
                rows = part.rows[(wanted - part.place.start).tolist()]
                aside += set_rows_aside(rows, self._broken_rule[wanted].tolist(), self._broken)
        return aside

    def _good(self, part: _Part) -> pl.Series:
        return pl.Series(self._broken_rule[part.place] == _KEPT)

    # ---- the source -------------------------------------------------------------------------------------------------

    def count_later(self) -> int:
        """How many good rows were requested after the moment of the load."""
        return int((self._is_later & (self._broken_rule == _KEPT)).sum())

    def check_order(self) -> None:
        """InvalidInput where the outcome of a good row was known before its request was made."""
        places = np.flatnonzero(self._is_early & (self._broken_rule == _KEPT))
        if not len(places):
            return
        first = int(places[0])
        row = int((self._broken_rule[:first] == _KEPT).sum())
        identity = self.table.project.settings.source.id
        for part in self._read():
            if first < part.place.stop:
                raise too_early_error(self.table, self._typed(part)[identity][first - part.place.start], row)

    # ---- loading ----------------------------------------------------------------------------------------------------

    def find_changes(self, lake: Lake) -> ChangeCounts:
        """The changes of the data since it was loaded."""
        self._changes = find_parted_changes(
            lake,
            self.table.name,
            lambda: (TypedPart(_place(part), self._typed(part), self._good(part)) for part in self._read()),
            rows=self.height,
            key=self.table.key,
            ignored=self.made_up,
            outcomes=submitted_outcomes(self.table, lake, made_up=self.made_up),
            outcome_names=outcome_names(self.table),
        )
        return self._changes.counts

    def append(self, lake: Lake) -> None:
        """Load the good rows for the first time."""

        def parts() -> Iterator[pl.DataFrame]:
            for part in self._read():
                yield self._typed(part).filter(self._good(part))

        self._append(lake, parts, self._schema)

    @property
    def _schema(self) -> dict[str, pl.DataType]:
        return {field.name: field.dtype for field in self.table.fields}

    def append_changes(self, lake: Lake, received_at: datetime, *, with_corrections: bool) -> bool:
        """Append what `find_changes` found; whether there was any."""
        changes = self._changes
        assert changes is not None, "the changes are found first"
        counts = changes.counts
        wanted: list[tuple[int, Arrival, Callable[[], Iterator[pl.DataFrame]]]] = [
            (counts.added, Arrival.FILE, lambda: self._rows_of(changes, Action.ADDED)),
            (counts.filled, Arrival.FILLED, lambda: self._rows_of(changes, Action.FILLED)),
        ]
        if with_corrections:
            wanted += [
                (counts.changed, Arrival.CORRECTION, lambda: self._rows_of(changes, Action.CHANGED)),
                (counts.gone, Arrival.GONE, lambda: changes.gone_rows(lake)),
            ]
        wanted = [one for one in wanted if one[0]]
        if not wanted:
            return False
        schemas = [changes.stored_schema if arrival is Arrival.GONE else self._schema for _, arrival, _ in wanted]
        empty = [as_received(pl.DataFrame(schema=schema), received_at, Arrival.FILE) for schema in schemas]
        columns = pl.concat(empty, how="diagonal")

        def parts() -> Iterator[pl.DataFrame]:
            for _, arrival, read in wanted:
                for rows in read():
                    yield pl.concat([columns, as_received(rows, received_at, arrival)], how="diagonal")

        self._append(lake, parts, columns.schema)
        return True

    def _rows_of(self, changes: PartedChanges, action: Action) -> Iterator[pl.DataFrame]:
        for part in self._read():
            is_wanted = changes.actions[part.place] == action
            if is_wanted.any():
                yield self._typed(part).filter(pl.Series(is_wanted))

    def _append(
        self, lake: Lake, parts: Callable[[], Iterator[pl.DataFrame]], schema: Mapping[str, pl.DataType]
    ) -> None:
        lake.append_parts(self.table.name, parts, schema=schema, time=self.table.known_at)


_PLACE = "\0place"


def _place(part: _Part) -> pl.Series:
    return pl.int_range(part.place.start, part.place.stop, eager=True).alias(_PLACE)


def _find_late(moments: pl.Series, latest: Any) -> tuple[Flags, Any]:
    """Which moments are before one of those before them, and the latest one so far."""
    known = pl.concat([pl.Series(moments.name, [latest], dtype=moments.dtype), moments])
    is_late = (known < known.cum_max()).fill_null(value=False)[1:]
    return is_late.to_numpy(), known.max()
