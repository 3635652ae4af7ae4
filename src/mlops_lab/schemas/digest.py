"""Digests of rows: by hour and column the number of values and a sum of their hashes, in whatever order the rows come.

A cell is hashed with the id of its row and the name of its column, so values that change places change the sum. The
sums of two sets of rows add up (modulo 2^64) to that of both. Nulls count as nothing, and equal values of different
types have equal hashes: so a digest stays what it was where a table gets another column, or a column a wider type. The
hashes are the same on any machine. They show damage and careless changes; who also rewrites the digests is not seen.

Canonical values: a number is the bits of its float64 (whole numbers of more than 15 digits: their text), a moment its
microseconds since 1970, a truth value 1 or 0, a list its values in order. Text that reads as one of them (`5`, `7.50`,
`true`, `2013-03-01T05:00:00.000000Z`) counts as that, because a column may become text, and text become numbers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from itertools import repeat

import numpy as np
import numpy.typing as npt
import polars as pl

_Hashes = npt.NDArray[np.uint64]

_MOMENT = pl.Datetime("us", "UTC")
DIGEST_SCHEMA: dict[str, pl.DataType] = {
    "hour": _MOMENT,
    "column": pl.String(),
    "values": pl.Int64(),
    "digest": pl.Int64(),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONG = 10**15  # whole numbers below it are exact as float64, and so is their text
_CODE = r"^[+-]?0\d|^[+-]?\d{16,}$"
"""Texts of digits that are no numbers: codes with a leading zero, and what is longer than a float64 is exact."""
_MOMENT_TEXT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_IS_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"
_TEXT = pl.col("text")
_NUMBER = _TEXT.replace({"true": "1", "false": "0"}).cast(pl.Float64, strict=False)
_IS_NUMBER = (_NUMBER.is_finite() & ~_TEXT.str.contains(_CODE)) | (_NUMBER.cast(pl.String) == _TEXT)
_READ_TEXTS = {
    "number": _NUMBER,
    "is_number": _IS_NUMBER.fill_null(value=False),
    "is_moment": _TEXT.str.contains(_IS_MOMENT),
}
_REMEMBERED: dict[str, int] = {}
"""The hashes of texts that were hashed before."""
_MOST_REMEMBERED = 50_000
_MANY = 5_000
"""From how many rows on a column of texts is hashed by Polars: it starts slowly."""
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def digest_rows(rows: pl.DataFrame, *, id_column: str, time_column: str) -> pl.DataFrame:
    """The digests of some rows (the columns of `DIGEST_SCHEMA`): one row for each hour and each column with values.

    `hour` is the hour of the row's time, UTC; rows without a time are in the first hour of 1970. `values` of the id
    column is the number of rows.
    """
    if rows.is_empty():
        return pl.DataFrame(schema=DIGEST_SCHEMA)
    row_keys = hash_values(rows[id_column])
    moments = rows[time_column].dt.truncate("1h").cast(_MOMENT)
    hours, hour_of_row = np.unique(_whole_numbers(moments), return_inverse=True)
    by_hour = np.argsort(hour_of_row, kind="stable")
    starts = np.searchsorted(hour_of_row[by_hour], np.arange(len(hours)))
    rows_of_hour = np.diff(np.append(starts, rows.height))
    counts, digests = [], []
    for column in rows.iter_columns():
        own = row_keys if column.name == id_column else hash_values(column)
        hashes = _mix(row_keys ^ _mix(own ^ np.uint64(_hash_text(column.name))))
        if column.null_count():
            is_value = column.is_not_null().to_numpy()
            hashes[~is_value] = 0
            counts.append(np.add.reduceat(is_value[by_hour].astype(np.int64), starts))
        else:
            counts.append(rows_of_hour)
        digests.append(np.add.reduceat(hashes[by_hour], starts).view(np.int64))  # Delta tables have no unsigned numbers
    found = pl.DataFrame(
        {
            "hour": np.tile(hours, rows.width),
            "column": [name for name in rows.columns for _ in hours],
            "values": np.concatenate(counts),
            "digest": np.concatenate(digests),
        }
    )
    return found.filter(pl.col("values") > 0).with_columns(pl.col("hour").cast(_MOMENT)).sort("hour", "column")


def add_digests(digests: pl.DataFrame) -> pl.DataFrame:
    """One row for each hour and column: the digests of all the rows together."""
    sums = digests.group_by("hour", "column").agg(pl.col("values").sum(), pl.col("digest").sum())
    return sums.select(list(DIGEST_SCHEMA)).sort("hour", "column")


def hash_rows(rows: pl.DataFrame) -> _Hashes:
    """One hash for each row, of the names and values of its columns. Nulls count as nothing, their order neither."""
    hashes = np.zeros(rows.height, dtype=np.uint64)
    for column in rows.iter_columns():
        own = _mix(hash_values(column) ^ np.uint64(_hash_text(column.name)))
        if column.null_count():
            own[column.is_null().to_numpy()] = 0
        hashes += own
    return hashes


def hash_values(values: pl.Series) -> _Hashes:
    """The hash of each value; of nulls, anything."""
    dtype = values.dtype
    if dtype.is_integer():
        return _hash_integers(values)
    if dtype.is_float():
        return _hash_floats(values)
    if dtype == pl.Boolean:
        return _hash_floats(values.cast(pl.Float64))
    if isinstance(dtype, pl.Datetime):
        return _hash_moments(values)
    if isinstance(dtype, pl.List):
        return _hash_lists(values)
    return _hash_texts(values.cast(pl.String))


def _hash_integers(values: pl.Series) -> _Hashes:
    numbers = values.cast(pl.Float64)
    hashes = _hash_floats(numbers)
    large = np.abs(numbers.to_numpy()) >= _LONG
    if large.any():
        hashes[large] = _hash_texts(values.cast(pl.String))[large]
    return hashes


def _hash_floats(values: pl.Series) -> _Hashes:
    known = values.fill_null(0) if values.null_count() else values
    numbers = (known if known.dtype == pl.Float64 else known.cast(pl.Float64)).to_numpy(writable=True)
    numbers[np.isnan(numbers)] = np.nan  # one of its many bit patterns
    return _hash_bits(numbers)


def _hash_moments(values: pl.Series) -> _Hashes:
    return _hash_bits(_whole_numbers(values.cast(_MOMENT)))


def _whole_numbers(moments: pl.Series) -> npt.NDArray[np.int64]:
    """Microseconds since 1970; 0 for null."""
    numbers = moments.to_physical()
    return (numbers.fill_null(0) if numbers.null_count() else numbers).to_numpy()


def _hash_bits(numbers: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> _Hashes:
    return _mix(np.ascontiguousarray(numbers).view(np.uint64) ^ np.uint64(0x9E3779B97F4A7C15))


def _hash_texts(values: pl.Series) -> _Hashes:
    """The hashes of texts; 0 for null. Each different one is hashed once."""
    if len(values) > _MANY:
        different = values.unique().drop_nulls()
        if different.is_empty():
            return np.zeros(len(values), dtype=np.uint64)
        hashes = pl.Series(_hash_different(different))
        return values.replace_strict(different, hashes, default=0, return_dtype=pl.UInt64).to_numpy(writable=True)
    texts = values.to_list()  # for few rows, Polars takes longer to start than this takes
    known = _find_hashes({*texts} - {None})
    return np.fromiter(map(known.get, texts, repeat(0)), dtype=np.uint64, count=len(texts))


def _find_hashes(texts: set[str]) -> dict[str, int]:
    """The hash of each text. Most texts come again soon, so some are remembered."""
    hashes = {text: hash for text in texts if (hash := _REMEMBERED.get(text)) is not None}
    if new := list(texts - hashes.keys()):
        computed = dict(zip(new, _hash_different(pl.Series(new, dtype=pl.String)).tolist(), strict=True))
        hashes |= computed
        if len(_REMEMBERED) + len(computed) > _MOST_REMEMBERED:
            _REMEMBERED.clear()
        _REMEMBERED.update(computed)
    return hashes


def _hash_different(texts: pl.Series) -> _Hashes:
    """The hash of each text, computed."""
    hashes = np.fromiter(map(_hash_text, texts.to_list()), dtype=np.uint64, count=len(texts))
    numbers, is_number, is_moment = texts.to_frame("text").select(**_READ_TEXTS).iter_columns()
    if is_number.any():
        hashes[is_number.to_numpy()] = _hash_floats(numbers.filter(is_number))
    if is_moment.any():
        moments = texts.filter(is_moment).str.to_datetime(_MOMENT_TEXT, time_unit="us", time_zone="UTC", strict=False)
        hashes[is_moment.to_numpy()] = _hash_moments(moments)
    return hashes


def _hash_lists(values: pl.Series) -> _Hashes:
    lengths = values.list.len().fill_null(0)
    hashes = _hash_bits(lengths.cast(pl.Int64).to_numpy())
    longest = lengths.max()
    for index in range(int(longest) if isinstance(longest, int) else 0):
        here = (lengths > index).to_numpy()
        item = values.list.get(index, null_on_oob=True)
        hashes[here] = _mix(hashes ^ hash_values(item) ^ item.is_null().to_numpy().astype(np.uint64))[here]
    return hashes


def _hash_text(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _mix(hashes: _Hashes) -> _Hashes:
    """The hashes with every bit depending on every other (the last step of SplitMix64: Steele, Lea, Flood 2014)."""
    mixed = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))
