"""Rows are found by their key; what has the same hash may be among them, and nothing is left out."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features.row_index import RowIndex, read_rows

SAME_HASH = (-1, -2)
"""Python's hash of both is -2."""

keys = st.lists(st.sampled_from(["a", "b", "c", *SAME_HASH, None, ("a", 1), ("a", 2)]), max_size=30)


@given(keys)
def test_all_rows_of_a_key_are_found_in_their_order(keys: list[object]) -> None:
    index = RowIndex(iter(keys), count=len(keys))
    for key in ["a", "b", -1, -2, ("a", 1), "nobody"]:
        found = index.rows_of(key).tolist()
        assert found == sorted(found)
        assert [row for row in found if keys[row] == key] == [row for row, other in enumerate(keys) if other == key]
        assert {keys[row] for row in found} <= ({key} | set(SAME_HASH) if key in SAME_HASH else {key})


@given(keys)
def test_one_row_of_each_key_that_many_have(keys: list[object]) -> None:
    index = RowIndex(keys, count=len(keys))
    hashes = [hash(key) for key in keys]
    many = {value for value in hashes if hashes.count(value) > 2}
    assert sorted(hash(keys[row]) for row in index.first_of_many(2).tolist()) == sorted(many)


@given(st.lists(st.integers(0, 49), max_size=40))
def test_rows_are_read_in_the_order_of_their_numbers(numbers: list[int]) -> None:
    frame = pl.DataFrame({"number": range(50), "text": [str(number) for number in range(50)]})
    found = read_rows(frame, np.array(numbers, dtype=np.int64))
    assert found == [{"number": number, "text": str(number)} for number in numbers]
