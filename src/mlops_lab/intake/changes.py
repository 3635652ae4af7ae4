"""How the data of a table differs from what was loaded before: rows that are new, changed, or not in it any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.tables.arrival import LATER, SENT, Arrival
from mlops_lab.tables.verdict import COUNTED

_IS_GONE, _IS_SENT = "__is_gone", "__is_sent"


@dataclass(frozen=True)
class ChangeCounts:
    """How many rows of a table's data are new, changed, filled in, and not in it any more; and in how many rows a
    column has another value."""

    table: str
    added: int
    changed: int
    filled: int
    gone: int
    changed_columns: Mapping[str, int]

    @property
    def is_correction(self) -> bool:
        """Whether the data contradicts what was loaded."""
        return self.changed > 0 or self.gone > 0

    def __str__(self) -> str:
        columns = ", ".join(f"{name} in {rows:,}" for name, rows in self.changed_columns.items())
        changed = f"{self.changed:,} rows were changed{f' ({columns})' if columns else ''}"
        return f"{changed}, {self.gone:,} are not in it any more, {self.added:,} are new"


@dataclass(frozen=True)
class TableChanges:
    """The rows of a table's data by what is to be done with them.

    `filled` differ from the stored rows only in columns that the table did not have. `changed_columns` says in how many
    rows a column has another value. `gone` are stored rows that the data does not have any more, as they are stored;
    the others have the columns of the data.
    """

    table: str
    added: pl.DataFrame
    changed: pl.DataFrame
    filled: pl.DataFrame
    gone: pl.DataFrame
    changed_columns: Mapping[str, int]

    @property
    def counts(self) -> ChangeCounts:
        """How many rows there are of each."""
        return ChangeCounts(
            table=self.table,
            added=self.added.height,
            changed=self.changed.height,
            filled=self.filled.height,
            gone=self.gone.height,
            changed_columns=self.changed_columns,
        )


def find_changes(
    lake: Lake,
    table: str,
    frame: pl.DataFrame,
    *,
    key: Sequence[str],
    present: pl.DataFrame | None = None,
    ignored: Sequence[str] = (),
) -> TableChanges:
    """The changes of a table's data since it was loaded.

    `present` has the keys of all rows of the data (None: those of `frame`), also of those that were set aside;
    `ignored` names columns that were made up. A row that was sent is none of the data's, until the data has it.
    """
    present = frame if present is None else present
    had = lake.schema(table)
    return compare(table, lake.read(table), frame, key=key, present=present, ignored=ignored, had=had)


def compare(
    table: str,
    stored: pl.DataFrame,
    frame: pl.DataFrame,
    *,
    key: Sequence[str],
    present: pl.DataFrame,
    ignored: Sequence[str],
    had: Collection[str],
) -> TableChanges:
    """The same of data and stored rows with the same keys; `had`: the columns of the table."""
    stored = _last_versions(stored, key)
    compared = [name for name in frame.columns if name not in {*key, *ignored}]
    stored = stored.with_columns(pl.lit(None).alias(name) for name in compared if name not in stored.columns)
    pairs = frame.join(
        stored.select(*key, *compared, _IS_GONE), on=key, how="inner", maintain_order="left", suffix="__stored"
    )
    differs = pairs.select(pl.col(name).ne_missing(pl.col(f"{name}__stored")).alias(name) for name in compared)
    is_changed = _any(differs, [name for name in compared if name in had], rows=pairs.height) | pairs[_IS_GONE]
    is_filled = _any(differs, [name for name in compared if name not in had], rows=pairs.height)
    counts = {name: int(differs[name].sum()) for name in compared if name in had and differs[name].any()}
    rows = pairs.select(frame.columns)
    of_data = stored.filter(~pl.col(_IS_GONE), ~pl.col(_IS_SENT)).drop(_IS_GONE, _IS_SENT)
    return TableChanges(
        table=table,
        added=frame.join(stored, on=key, how="anti", maintain_order="left"),
        changed=rows.filter(is_changed),
        filled=rows.filter(is_filled & ~is_changed),
        gone=of_data.join(present, on=key, how="anti", maintain_order="left"),
        changed_columns=counts,
    )


def without_submitted(
    changes: TableChanges, outcomes: pl.DataFrame, *, key: str, compared: Sequence[str]
) -> TableChanges:
    """The changes of the source's data, where the outcomes of some rows that are new in it were submitted before: the
    lake has these rows already, in the outcomes; one with another outcome than was ever submitted is a changed row."""
    counted = outcomes.filter(pl.col("verdict").is_in([*COUNTED])).select(key, *compared)
    added = changes.added
    pairs = added.join(counted, on=key, how="inner", maintain_order="left", suffix="__stored")
    differs = pairs.select(key, *(pl.col(name).ne_missing(pl.col(f"{name}__stored")).alias(name) for name in compared))
    changed = differs.filter(pl.any_horizontal(compared).all().over(key)).unique(key, maintain_order=True)
    counts = dict(changes.changed_columns)
    for name in compared:
        if changed[name].any():
            counts[name] = counts.get(name, 0) + int(changed[name].sum())
    return replace(
        changes,
        added=added.join(counted, on=key, how="anti", maintain_order="left"),
        changed=pl.concat([changes.changed, added.join(changed, on=key, how="semi", maintain_order="left")]),
        changed_columns=counts,
    )


def changes_error(changes: Sequence[ChangeCounts]) -> Refused:
    """The refusal of changed data, with the numbers of each table."""
    return Refused(
        "; ".join(f'the data of table "{one.table}" is not what was loaded before: {one}' for one in changes),
        code="data_changed",
        where="mlops.toml, on_change",
        hint="`mlops run --accept-changes` takes it as a correction, known from now on: new values count, rows that "
        'are gone do not; on_change = "correct" or "ignore" in the section of the table decides it for good',
    )


def _any(flags: pl.DataFrame, names: Sequence[str], *, rows: int) -> pl.Series:
    """In which of the rows one of these columns is true."""
    return flags.select(pl.any_horizontal(names)).to_series() if names else pl.repeat(False, rows, eager=True)


def _last_versions(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Of each row the version that the data had last, else the one that was sent last; with what it is."""
    if "received_as" not in rows.columns:
        return rows.with_columns(pl.lit(value=False).alias(name) for name in (_IS_GONE, _IS_SENT))
    arrival = pl.col("received_as")
    rows = rows.with_columns(
        (arrival == Arrival.GONE).fill_null(value=False).alias(_IS_GONE),
        arrival.is_in([*SENT]).fill_null(value=False).alias(_IS_SENT),
    )
    received = pl.when(arrival.is_in([*LATER]).fill_null(value=False)).then("received_at")
    ordered = rows.sort(~pl.col(_IS_SENT), received, nulls_last=False, maintain_order=True)
    return ordered.unique(key, keep="last", maintain_order=True)
