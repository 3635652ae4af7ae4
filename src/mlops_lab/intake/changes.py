"""How the data of a table differs from what was loaded before: rows that are new, changed, or not in it any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.tables.arrival import Arrival
from mlops_lab.tables.verdict import COUNTED


@dataclass(frozen=True)
class TableChanges:
    """The rows of a table's data by what is to be done with them, all with the columns of the data.

    `filled` differ from the stored rows only in columns that the table did not have. `changed_columns` says in how many
    rows a column has another value. `gone` counts stored rows that the data does not have any more: they stay.
    """

    table: str
    added: pl.DataFrame
    changed: pl.DataFrame
    filled: pl.DataFrame
    changed_columns: Mapping[str, int]
    gone: int

    def __str__(self) -> str:
        columns = ", ".join(f"{name} in {rows:,}" for name, rows in self.changed_columns.items())
        gone = f", {self.gone:,} are not in it any more (they stay)" if self.gone else ""
        return f"{self.changed.height:,} rows were changed ({columns}), {self.added.height:,} are new{gone}"


def find_changes(
    lake: Lake, table: str, frame: pl.DataFrame, *, key: Sequence[str], ignored: Sequence[str] = ()
) -> TableChanges:
    """The changes of a table's data since it was loaded; `ignored` names columns that were made up."""
    had = lake.schema(table)
    stored = _last_versions(lake.read(table), key)
    compared = [name for name in frame.columns if name not in {*key, *ignored}]
    stored = stored.with_columns(pl.lit(None).alias(name) for name in compared if name not in stored.columns)
    pairs = frame.join(stored.select(*key, *compared), on=key, how="inner", maintain_order="left", suffix="__stored")
    differs = pairs.select(pl.col(name).ne_missing(pl.col(f"{name}__stored")).alias(name) for name in compared)
    is_changed = _any(differs, [name for name in compared if name in had], rows=pairs.height)
    is_filled = _any(differs, [name for name in compared if name not in had], rows=pairs.height)
    counts = {name: int(differs[name].sum()) for name in compared if name in had and differs[name].any()}
    rows = pairs.select(frame.columns)
    return TableChanges(
        table=table,
        added=frame.join(stored, on=key, how="anti", maintain_order="left"),
        changed=rows.filter(is_changed),
        filled=rows.filter(is_filled & ~is_changed),
        changed_columns=counts,
        gone=_without_sent(stored).join(frame, on=key, how="anti").height,
    )


def without_submitted(
    changes: TableChanges, outcomes: pl.DataFrame, *, key: str, compared: Sequence[str]
) -> TableChanges:
    """The changes of the source's data, where the outcomes of some rows that are new in it were submitted before: the
    lake has these rows already, in the outcomes; one with another outcome is a changed row."""
    counted = outcomes.filter(pl.col("verdict").is_in([*COUNTED])).sort("known_at", maintain_order=True)
    last = counted.unique(key, keep="last", maintain_order=True).select(key, *compared)
    added = changes.added
    pairs = added.join(last, on=key, how="inner", maintain_order="left", suffix="__stored")
    differs = pairs.select(pl.col(name).ne_missing(pl.col(f"{name}__stored")).alias(name) for name in compared)
    is_changed = _any(differs, compared, rows=pairs.height)
    counts = dict(changes.changed_columns)
    for name in compared:
        if differs[name].any():
            counts[name] = counts.get(name, 0) + int(differs[name].sum())
    return replace(
        changes,
        added=added.join(last, on=key, how="anti", maintain_order="left"),
        changed=pl.concat([changes.changed, pairs.filter(is_changed).select(added.columns)]),
        changed_columns=counts,
    )


def changes_error(changes: Sequence[TableChanges]) -> Refused:
    """The refusal of changed rows, with the numbers of each table."""
    return Refused(
        "; ".join(f'the data of table "{one.table}" is not what was loaded before: {one}' for one in changes),
        code="data_changed",
        where="mlops.toml, on_change",
        hint="`mlops run --accept-changes` takes the new values as corrections, known from now on; on_change = "
        '"correct" or "ignore" in the section of the table decides it for good',
    )


def _any(flags: pl.DataFrame, names: Sequence[str], *, rows: int) -> pl.Series:
    """In which of the rows one of these columns is true."""
    return flags.select(pl.any_horizontal(names)).to_series() if names else pl.repeat(False, rows, eager=True)


def _without_sent(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that came with the data, and were not sent one by one."""
    if "received_as" not in rows.columns:
        return rows
    return rows.filter(pl.col("received_as").ne_missing(Arrival.SENT))


def _last_versions(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Of each row the version that was received last."""
    if "received_as" not in rows.columns:
        return rows
    is_later = pl.col("received_as").is_in([Arrival.CORRECTION, Arrival.FILLED]).fill_null(value=False)
    ordered = rows.sort(pl.when(is_later).then("received_at"), nulls_last=False, maintain_order=True)
    return ordered.unique(key, keep="last", maintain_order=True)
