"""The content fingerprint of a frame: the same values give the same fingerprint on any machine and in any version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from mlops_lab.ids import hash_bytes, hash_pieces
from mlops_lab.lake.scratch import scratch_folder

_PIECE_BYTES = 2**20


def fingerprint_frame(frame: pl.DataFrame) -> str:
    """SHA-256, in hex, of column names, dtypes and values in row order.

    Every column is hashed as dtype, null mask and canonical little-endian values (strings: lengths and UTF-8 text;
    lists: lengths and values), so that neither the layout in memory nor the files the rows came from matter.
    """
    return hash_bytes(_parts(frame))


def fingerprint_frames(frames: Iterable[pl.DataFrame]) -> str:
    """The fingerprint of these frames (at least one), one below the other. In memory is one of them at a time: what is
    hashed column by column is collected in files."""
    rows = 0
    with scratch_folder() as folder:
        files: list[list[Path]] = []
        for frame in frames:
            rows, schema = rows + frame.height, frame.schema
            for number, column in enumerate(frame.iter_columns()):
                parts = list(_value_parts(column))
                if number == len(files):
                    files.append([folder / f"{number}-{place}" for place in range(len(parts))])
                for file, part in zip(files[number], parts, strict=True):
                    with file.open("ab") as stream:
                        stream.write(part)

        def hashed() -> Iterator[tuple[int, Iterable[bytes]]]:
            yield _given(str(rows))
            for (column, dtype), of_column in zip(schema.items(), files, strict=True):
                yield _given(column)
                yield _given(str(dtype))
                for file in of_column:
                    yield file.stat().st_size, _pieces(file)

        return hash_pieces(hashed())


def _given(text: str) -> tuple[int, list[bytes]]:
    content = text.encode()
    return len(content), [content]


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


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
