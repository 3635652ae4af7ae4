"""Contracts guessed from data: they hold for it, and can be read back."""

import tomllib
from dataclasses import replace

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import Field, parse_fields
from mlops_lab.contracts.infer import compare_fields, infer_fields, write_toml
from mlops_lab.contracts.rules import find_breaches
from mlops_lab.project import FieldSection


def test_what_is_inferred_holds_for_the_data_and_reads_back():
    frame = pl.DataFrame(
        {
            "id": [f"i{n}" for n in range(60)],
            "n": [*range(59), None],
            "x": [n / 7 - 3 for n in range(60)],
            "k": ["a", 'b"'] * 30,
        }
    )
    fields = infer_fields(frame)
    declared = msgspec.convert(tomllib.loads(write_toml(fields)), dict[str, str | FieldSection])
    assert parse_fields(declared, where="t") == fields
    assert find_breaches("t", frame, fields) == []
    assert compare_fields(fields, fields) == []
    narrow = parse_fields({**declared, "n": FieldSection(type="integer", max=10)}, where="t")
    assert compare_fields(narrow, fields) == ["n: has 58, above max = 10", "n: has nulls, but null is not allowed"]


columns = st.one_of(
    st.lists(st.none() | st.integers(-(10**6), 10**6), min_size=1, max_size=30),
    st.lists(st.none() | st.floats(-1e12, 1e12), min_size=1, max_size=30),
    st.lists(st.none() | st.booleans(), min_size=1, max_size=30),
    st.lists(st.none() | st.sampled_from("ab"), min_size=1, max_size=60),
)


@given(columns)
def test_inferred_fields_hold_for_their_data(values):
    frame = pl.DataFrame({"x": values})
    fields = infer_fields(frame)
    declared = msgspec.convert(tomllib.loads(write_toml(fields)), dict[str, str | FieldSection])
    assert parse_fields(declared, where="t") == fields
    assert find_breaches("t", frame, fields) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1234, 98765], (0, 99000)),
        ([-0.0123, 0.5], (-0.013, 0.5)),
        ([-7, -3], (-7, 0)),
        ([0, 0], (0, 0)),
        ([35 * 0.01], (0, 0.36)),  # 0.35000000000000003
        ([5e-324], (0, 1e-300)),
    ],
)
def test_a_range_is_rounded_outwards(values, expected):
    (field,) = infer_fields(pl.DataFrame({"x": values}))
    assert (field.min, field.max) == pytest.approx(expected)


def test_few_values_of_many_rows_become_categories():
    (few,) = infer_fields(pl.DataFrame({"x": ["a", "b"] * 20}))
    (too_few_rows,) = infer_fields(pl.DataFrame({"x": ["a", "b"] * 19}))
    (many,) = infer_fields(pl.DataFrame({"x": [f"v{n}" for n in range(21)] * 20}))
    assert few.categories == ("a", "b")
    assert too_few_rows.categories == many.categories == ()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(texts, st.lists(texts, min_size=1, max_size=3, unique=True))
def test_names_and_categories_are_read_back_from_toml(name, categories):
    field = Field(name, "string", nullable=False, categories=tuple(categories))
    declared = msgspec.convert(tomllib.loads(write_toml([field])), dict[str, str | FieldSection])
    stripped = replace(field, categories=tuple(text.strip() for text in categories))
    assert parse_fields(declared, where="t") == (stripped,)


def test_every_difference_is_a_sentence():
    declared = [
        Field("gone", "string", nullable=False),
        Field("n", "integer", nullable=False, min=0, max=9),
        Field("k", "string", nullable=True, categories=("a", "b")),
        Field("x", "float", nullable=True),
    ]
    inferred = [
        Field("new", "string", nullable=False),
        Field("n", "integer", nullable=True, min=-5, max=12),
        Field("k", "string", nullable=False, categories=("a", "c")),
        Field("x", "string", nullable=False),
    ]
    assert compare_fields(declared, inferred) == [
        "gone: declared, but not in the data",
        "k: new categories c",
        "n: has -5, below min = 0",
        "n: has 12, above max = 9",
        "n: has nulls, but null is not allowed",
        "new: in the data, but not declared",
        "x: declared float, the data has string",
    ]
