"""The profile of a column, and the names of fields."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.starter.columns import is_whole, name_fields, profile_column


def test_names_that_are_no_valid_field_names() -> None:
    names = ["ok", "sepal length (cm)", "sepal.length.(cm)", "2010", "_x", "version", "Größe", "class", "…", ""]
    fields = name_fields(names, frozenset({"version"}))
    assert list(fields.values()) == [
        *("ok", "sepal_length_cm", "sepal_length_cm_2", "column_2010", "x", "version_", "Größe", "class"),
        *("column", "column_2"),
    ]


@given(st.lists(st.text(max_size=4) | st.sampled_from(["a", "a_2", "at", "id", "A", "_a"]), unique=True))
def test_all_fields_have_different_valid_names(names: list[str]) -> None:
    fields = name_fields(names, frozenset({"at", "id"}))
    assert list(fields) == names
    assert len(set(fields.values())) == len(names)
    assert all(field.isidentifier() and field not in {"at", "id"} for field in fields.values())
    assert not any(field.startswith("_") for field in fields.values())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["Yes", "no", None], {"kind": "boolean", "missing": 1, "distinct": 2}),
        ([" a ", "", "b"], {"kind": "string", "missing": 0, "distinct": 3, "words": 1.0}),
        ([1, 2, None], {"kind": "integer", "type": "integer?", "span": (1.0, 2.0), "examples": ("1", "2")}),
        ([0.5, float("inf"), -2.0], {"kind": "float", "type": "float", "span": (-2.0, 0.5), "infinite": 1}),
        ([float("inf")], {"span": None, "infinite": 1, "notes": ("1 infinite: those rows break the contract",)}),
        ([date(2024, 1, 2)], {"kind": "datetime", "format": None, "examples": ("2024-01-02 00:00",)}),
        (["1", "2", "x"], {"kind": "string", "notes": ()}),
        (["one two three four"] * 3, {"words": 4.0, "is_text": True, "is_unique": False}),
        ([3, 1, 2], {"is_unique": True}),
        ([3, 1, None], {"is_unique": False}),
    ],
)
def test_the_profile_of_a_column(values: list[object], expected: dict[str, object]) -> None:
    profile, _ = profile_column(pl.Series("given", values), "field")
    assert (profile.name, profile.field, profile.rows) == ("given", "field", len(values))
    assert {name: getattr(profile, name) for name in expected} == expected


@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1))
def test_every_number_is_missing_infinite_or_within_the_span(numbers: list[float | None]) -> None:
    profile, _ = profile_column(pl.Series("x", numbers, dtype=pl.Float64), "x")
    finite = [number for number in numbers if number is not None and abs(number) != float("inf")]
    assert profile.missing + profile.infinite + len(finite) == profile.rows
    assert profile.span == ((min(finite), max(finite)) if finite else None)


@pytest.mark.parametrize(
    ("values", "expected"), [([1.0, None], True), ([0.5], False), ([float("inf")], False), ([], True)]
)
def test_whole_numbers(values: list[float | None], expected: bool) -> None:
    assert is_whole(pl.Series(values, dtype=pl.Float64)) is expected


def test_names_that_differ_by_case_only_become_different_fields() -> None:
    assert name_fields(["Age", "age", "AGE", "age_2"], frozenset()) == {
        "Age": "Age",
        "age": "age_3",
        "AGE": "AGE_4",
        "age_2": "age_2",
    }
