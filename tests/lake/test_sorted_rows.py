"""Rows that are sorted in parts are in the order of rows that are sorted at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.lake.sorted_rows import sort_parts, sort_rows

rows = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["", "a", "b", "ä", "aa"]),
        st.none() | st.integers(0, 3),
        st.none() | st.sampled_from([0.5, -1.0, float("inf")]),
        st.none() | st.lists(st.integers(0, 2), max_size=2),
    ),
    max_size=30,
)


def frame(cells: list[tuple[object, ...]]) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {
        "text": pl.String(),
        "whole": pl.Int64(),
        "number": pl.Float64(),
        "list": pl.List(pl.Int64()),
    }
    return pl.DataFrame(cells, schema=schema, orient="row")


@examples(100)
@given(rows, st.integers(1, 8), st.integers(1, 9), st.permutations(["text", "whole", "number"]), st.integers(1, 3))
def test_parts_and_ranges_change_nothing(
    cells: list[tuple[object, ...]], size: int, ranges: int, names: list[str], kept: int
) -> None:
    whole = frame(cells).select([*names, "list"][: kept + 1] if kept > 1 else names[:1])

    def read(columns: Sequence[str] | None) -> Iterator[pl.DataFrame]:
        yield from (whole if columns is None else whole.select(columns)).iter_slices(size)
        yield whole.clear() if columns is None else whole.select(columns).clear()

    parts = list(sort_parts(read, columns=whole.columns, rows=whole.height, ranges=ranges))
    assert pl.concat(parts).equals(sort_rows(whole))
    assert len(parts) <= ranges


def test_ranges_are_of_about_the_same_size() -> None:
    whole = pl.DataFrame({"id": [str(number) for number in range(20_000)], "x": [0] * 20_000})

    def read(columns: Sequence[str] | None) -> Iterator[pl.DataFrame]:
        yield from (whole if columns is None else whole.select(columns)).iter_slices(3000)

    parts = list(sort_parts(read, columns=whole.columns, rows=whole.height, ranges=5))
    assert len(parts) == 5
    assert max(part.height for part in parts) < 1.2 * 4000
