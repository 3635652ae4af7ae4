"""Inputs as numbers: a row and a frame give the same, cell by cell."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.registry.engines.encoding import Encoder, learn_categories

SCHEMA = {
    "text": pl.String,
    "other": pl.String,
    "number": pl.Float64,
    "small": pl.Float32,
    "whole": pl.Int64,
    "tiny": pl.Int8,
    "count": pl.UInt32,
    "flag": pl.Boolean,
}
texts = st.sampled_from(["a", "b", "é", "", "A"])
CELLS = {
    "text": st.none() | texts | st.text(max_size=2),
    "other": st.none() | texts,
    "number": st.none() | st.floats(),
    "small": st.none() | st.floats(width=32),
    "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
    "tiny": st.none() | st.integers(-128, 127),
    "count": st.none() | st.integers(0, 2**32 - 1),
    "flag": st.none() | st.booleans(),
}
rows = st.lists(st.tuples(*CELLS.values()), max_size=8)
categories = st.fixed_dictionaries({"text": st.lists(texts, unique=True), "other": st.lists(texts, unique=True)})


def frame(cells) -> pl.DataFrame:
    return pl.DataFrame(cells, schema=SCHEMA, orient="row")


def same_bits(one, other) -> bool:
    """Equal, and missing in the same places."""
    return np.array_equal(np.asarray(one, dtype=float), np.asarray(other, dtype=float), equal_nan=True)


@given(rows, categories, st.permutations(list(SCHEMA)))
def test_a_row_some_rows_and_a_frame_give_the_same_numbers(cells, known, order):
    encoder, table = Encoder(order, known), frame(cells)
    matrix = encoder.encode(table)
    assert matrix.shape == (len(cells), len(SCHEMA))
    assert matrix.dtype == np.float64
    one_by_one = [encoder.encode_row(row) for row in table.select(order).rows()]
    assert all(same_bits(a, b) for a, b in zip(matrix, one_by_one, strict=True))
    assert same_bits(encoder.encode_rows(table.select(order).rows()), matrix)


@given(rows)
def test_codes_are_learned_from_the_content_and_not_from_its_order(cells):
    learned = learn_categories(frame(cells))
    assert set(learned) == {"text", "other"}
    assert learned == learn_categories(frame(list(reversed(cells))))
    for index, (name, values) in enumerate(learned.items()):
        seen = [row[index] for row in cells if row[index] is not None]
        assert values == sorted(set(seen), key=lambda value: (-seen.count(value), value))
        codes = Encoder([name], learned).encode(frame(cells))[:, 0]
        for code, row in zip(codes, cells, strict=True):
            assert math.isnan(code) if row[index] is None else values[int(code)] == row[index]


def test_codes_by_example():
    table = pl.DataFrame({"shop": ["b", "a", "b", None, "c"], "n": [1, 2, 3, 4, None]})
    known = learn_categories(table)
    assert known == {"shop": ["b", "a", "c"]}
    encoded = Encoder(["n", "shop"], known).encode(table)
    assert same_bits(encoded, [[1, 0], [2, 1], [3, 0], [4, math.nan], [math.nan, 2]])


def test_an_unseen_category_is_missing():
    encoder = Encoder(["shop"], {"shop": ["a"]})
    assert same_bits(encoder.encode_row(["new"]), [math.nan])
    assert same_bits(encoder.encode(pl.DataFrame({"shop": ["new", "a"]})), [[math.nan], [0]])


def test_a_row_of_another_length_is_refused():
    for row in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match=r"zip\(\)"):
            Encoder(["a", "b"], {}).encode_row(row)
        with pytest.raises(ValueError, match=r"zip\(\)"):
            Encoder(["a", "b"], {}).encode_rows([row])


def test_nothing_is_encoded_as_nothing():
    assert Encoder([], {}).encode(pl.DataFrame({"a": [1, 2]})).shape == (2, 0)
    assert Encoder(["a"], {}).encode(pl.DataFrame({"a": []}, schema={"a": pl.Int64})).shape == (0, 1)
