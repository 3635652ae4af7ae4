"""The rows of a table in an order that depends only on their values, however large the table is.

Rows that do not fit into memory are divided among files by ranges of their first two columns; each is sorted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from mlops_lab.lake.scratch import scratch_folder

_IS_CUT = "__is_cut"
_SAMPLED_PER_RANGE = 1000


def sort_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in an order that depends only on their values."""
    first = rows.columns[:2]  # nearly always enough for the order
    return rows.sort(rows.columns if rows.select(first).is_duplicated().any() else first)


def sort_parts(
    read: Callable[[Sequence[str] | None], Iterable[pl.DataFrame]], *, columns: Sequence[str], rows: int, ranges: int
) -> Iterator[pl.DataFrame]:
    """The rows that `read` gives in parts, in the same order, in about so many frames, one at a time; at least one.

    `read` gets the names of the columns to read (None: all), and gives the same rows each time: so many, with these
    columns.
    """
    first = list(columns[:2])
    cuts = _find_cuts(read(first), first, rows=rows, ranges=ranges)
    with scratch_folder() as parent:
        folders = [parent / str(number) for number in range(cuts.height + 1)]
        for folder in folders:
            folder.mkdir()
        schema = _divide(read(None), cuts, folders)
        for folder in folders:
            frames = [pl.read_ipc(file.read_bytes()) for file in sorted(folder.iterdir())]
            yield sort_rows(pl.concat([schema, *frames]))
            for file in folder.iterdir():
                file.unlink()


def _find_cuts(parts: Iterable[pl.DataFrame], first: Sequence[str], *, rows: int, ranges: int) -> pl.DataFrame:
    """The values with which another range begins, found in a sample: every so many rows of each part."""
    step = max(1, rows // (_SAMPLED_PER_RANGE * ranges))
    sample = pl.concat(part.gather_every(step) for part in parts).sort(first)
    size = max(1, -(-sample.height // ranges))
    return sample.gather_every(size)[1:].unique(maintain_order=True)


def _divide(parts: Iterable[pl.DataFrame], cuts: pl.DataFrame, folders: Sequence[Path]) -> pl.DataFrame:
    """Write the rows of each range into its folder; a frame without rows that has their columns."""
    order = [*cuts.columns, _IS_CUT]
    marks = cuts.with_columns(pl.lit(value=True).alias(_IS_CUT))
    schema = None
    for number, part in enumerate(parts):
        schema = part.clear() if schema is None else schema
        marked = pl.concat([marks, part.with_columns(pl.lit(value=False).alias(_IS_CUT))], how="diagonal")
        # a cut comes before the rows that are equal to it
        ordered = marked.sort(order, descending=[*(False for _ in cuts.columns), True])
        begins = [0, *ordered[_IS_CUT].arg_true().to_list(), ordered.height]
        for folder, begin, end in zip(folders, begins[:-1], begins[1:], strict=True):
            of_range = ordered[begin:end].filter(~pl.col(_IS_CUT)).drop(_IS_CUT).select(part.columns)
            if of_range.height:
                of_range.write_ipc(folder / f"{number:06}", compression="lz4")
    assert schema is not None, "a table has at least one part"
    return schema
