"""How the data of a table differs from what was loaded before, where neither fits into memory.

Rows of both are divided among files by the hashes of their keys; each division is compared by itself, as small data is
(`intake.changes`). What is held of all rows is what is to be done with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import polars as pl

from mlops_lab.intake.changes import ChangeCounts, TableChanges, compare, without_submitted
from mlops_lab.lake import Lake
from mlops_lab.lake.key_parts import KeyParts

CELLS_PER_DIVISION = 20_000_000
"""A division has about so many values of the data, and as many that are stored."""
_ROW, _GOOD, _STORED = "\0row", "\0good", "\0stored"


class Action(IntEnum):
    """What is to be done with a row of the data."""

    NONE = 0
    ADDED = 1
    FILLED = 2
    CHANGED = 3


class TypedPart(NamedTuple):
    """Some rows of the data with their types: their places among all rows, and which of them are not set aside."""

    places: pl.Series
    rows: pl.DataFrame
    good: pl.Series


@dataclass(frozen=True)
class PartedChanges:
    """The counts, what is to be done with each row of the data, and which stored rows it does not have any more."""

    counts: ChangeCounts
    actions: np.ndarray[tuple[int], np.dtype[np.uint8]]
    is_gone: np.ndarray[tuple[int], np.dtype[np.bool_]]
    version: int
    """That of the table with the stored rows, which have the columns of `stored_schema`."""
    stored_schema: dict[str, pl.DataType]

    def gone_rows(self, lake: Lake) -> Iterator[pl.DataFrame]:
        """The stored rows that the data does not have any more, as they are stored."""
        done = 0
        for rows in lake.read_parts(self.counts.table, version=self.version):
            is_gone = pl.Series(self.is_gone[done : done + rows.height])
            done += rows.height
            if is_gone.any():
                yield rows.filter(is_gone)


def find_parted_changes(
    lake: Lake,
    table: str,
    read: Callable[[], Iterator[TypedPart]],
    *,
    rows: int,
    key: Sequence[str],
    ignored: Sequence[str],
    outcomes: pl.DataFrame | None,
    outcome_names: Sequence[str],
) -> PartedChanges:
    """The changes of a table's data, of so many rows, since it was loaded: those that `find_changes` finds, and then
    `without_submitted`, where there are outcomes."""
    version, had = lake.version(table), lake.schema(table)
    stored_rows = sum(file.rows for file in lake.files(table, version=version).values())
    divisions = max(1, -(-max(rows, stored_rows) * len(had) // CELLS_PER_DIVISION))
    actions, names, stored_schema = np.zeros(rows, np.uint8), list[str](), pl.Schema()
    total, columns, submitted = Counter[str](), Counter[str](), Counter[str]()
    with TemporaryDirectory(prefix="mlops-changes-") as name:
        data = KeyParts(Path(name, "data"), key, divisions=divisions)
        for part in read():
            names = part.rows.columns
            data.add(part.rows.with_columns(part.places.alias(_ROW), part.good.alias(_GOOD)))
        stored, stored_rows = KeyParts(Path(name, "stored"), key, divisions=divisions), 0
        for frame in lake.read_parts(table, version=version):
            places = pl.int_range(stored_rows, stored_rows + frame.height, eager=True).alias(_STORED)
            stored_schema = frame.schema
            stored.add(frame.with_columns(places))
            stored_rows += frame.height
        is_gone = np.zeros(stored_rows, np.bool_)
        for number in range(divisions):
            of_data = data.take(number)
            good, present = of_data.filter(_GOOD).drop(_GOOD), of_data.select(key)
            of_table = stored.take(number)
            found = compare(table, of_table, good, key=key, present=present, ignored=[*ignored, _ROW], had=had)
            columns.update(found.changed_columns)
            if outcomes is not None:
                before = found.changed_columns
                found = without_submitted(found, outcomes, key=key[0], compared=outcome_names)
                submitted.update({name: n - before.get(name, 0) for name, n in found.changed_columns.items()})
            _note(found, actions, is_gone, total)
    order = [*(name for name in names if columns[name]), *(name for name in outcome_names if submitted[name])]
    counts = ChangeCounts(
        table=table,
        added=total["added"],
        changed=total["changed"],
        filled=total["filled"],
        gone=total["gone"],
        changed_columns={name: columns[name] + submitted[name] for name in dict.fromkeys(order)},
    )
    return PartedChanges(counts, actions, is_gone, version, dict(stored_schema))


def _note(
    found: TableChanges,
    actions: np.ndarray[tuple[int], np.dtype[np.uint8]],
    is_gone: np.ndarray[tuple[int], np.dtype[np.bool_]],
    total: Counter[str],
) -> None:
    """Note what is to be done with the rows of a division, and count it."""
    for rows, action in (
        (found.added, Action.ADDED),
        (found.filled, Action.FILLED),
        (found.changed, Action.CHANGED),
    ):
        actions[rows[_ROW].to_numpy()] = action
        total[action.name.lower()] += rows.height
    is_gone[found.gone[_STORED].to_numpy()] = True
    total["gone"] += found.gone.height
