"""The content fingerprint of a frame: the same values give the same fingerprint on any machine and in any version."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mlops_lab.ids import hash_bytes


def fingerprint_frame(frame: pl.DataFrame) -> str:
    """SHA-256, in hex, of column names, dtypes and values in row order.

    Every column is hashed as dtype, null mask and canonical little-endian values (strings: lengths and UTF-8 text;
    lists: lengths and values), so that neither the layout in memory nor the files the rows came from matter.
    """
    return hash_bytes(_parts(frame))


def _parts(frame: pl.DataFrame) -> Iterator[bytes]:
    yield str(frame.height).encode()
    for column in frame.iter_columns():
        yield column.name.encode()
        yield str(column.dtype).encode()
        yield from _value_parts(column)


def _value_parts(column: pl.Series) -> Iterator[bytes]:
    """The null mask and the values; of lists, their lengths and the values of all of them."""
    yield column.is_null().to_numpy().tobytes()
    if column.dtype == pl.String:
        filled = column.fill_null("")
        yield filled.str.len_bytes().to_numpy().tobytes()
        yield (filled.str.join("").item() or "").encode() if len(column) else b""
    elif column.dtype == pl.Boolean:
        yield column.fill_null(value=False).to_numpy().tobytes()
    elif column.dtype == pl.List:
        lengths = column.list.len().fill_null(0)
        yield lengths.to_numpy().tobytes()
        yield from _value_parts(column.filter(lengths > 0).explode())
    else:
        yield column.to_physical().fill_null(0).to_numpy().tobytes()
