"""Digests: they add up, whatever the order; they see every changed cell; they outlive new columns and wider types."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlops_lab.lake import Lake
from mlops_lab.schemas.digest import DIGEST_SCHEMA, add_digests, digest_rows, hash_values

AT = datetime(2013, 3, 1, 5, 30, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "id": [f"p{number}" for number in range(40)],
        "at": [AT + timedelta(minutes=7 * number) for number in range(40)],
        "amount": [number / 3 for number in range(40)],
        "count": list(range(40)),
        "shop": [None if number % 5 == 0 else "abc"[number % 3] for number in range(40)],
        "express": [number % 2 == 0 for number in range(40)],
        "output": [[number / 100, 1 - number / 100] for number in range(40)],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC")},
)
VALUES = {
    "amount": 99.5,
    "count": 99,
    "shop": "d",
    "express": None,
    "output": [0.5, 0.5],
    "id": "another",
}


STORED = {
    "amount": -3136804313173796487,
    "at": 5242036961353118535,
    "count": 6037527273452411191,
    "express": 5591970776477853214,
    "id": 6472687735416257891,
    "output": 5942935518755057870,
    "shop": 7233956416076384579,
}


def digest(rows: pl.DataFrame) -> pl.DataFrame:
    return digest_rows(rows, id_column="id", time_column="at")


def differing(left: pl.DataFrame, right: pl.DataFrame) -> set[str]:
    both = left.join(right, on=["hour", "column"], how="full", coalesce=True, suffix="_right").fill_null(0)
    return {
        *both.filter((pl.col("digest") != pl.col("digest_right")) | (pl.col("values") != pl.col("values_right")))[
            "column"
        ]
    }


def test_each_hour_and_column_has_its_number_of_values():
    found = digest(ROWS)
    assert dict(found.schema) == DIGEST_SCHEMA
    assert found["hour"].min() == AT.replace(minute=0)
    totals = dict(found.group_by("column").agg(pl.col("values").sum()).iter_rows())
    assert totals == {"id": 40, "at": 40, "amount": 40, "count": 40, "shop": 32, "express": 40, "output": 40}
    assert digest(ROWS.clear()).is_empty()


@given(cuts=st.lists(st.integers(0, 40), max_size=4), order=st.permutations(range(40)))
def test_parts_in_any_order_add_up_to_the_whole(cuts, order):
    rows = ROWS[list(order)]
    edges = [0, *sorted(cuts), 40]
    parts = [digest(rows[start:end]) for start, end in pairwise(edges)]
    assert_frame_equal(add_digests(pl.concat(parts)), digest(ROWS))


@given(row=st.integers(0, 39), column=st.sampled_from(sorted(VALUES)))
def test_a_changed_cell_changes_its_column(row, column):
    here = pl.int_range(pl.len()) == row
    value = pl.Series([VALUES[column]] * 40, dtype=ROWS.schema[column])
    changed = ROWS.with_columns(pl.when(here).then(value).otherwise(column).alias(column))
    found = differing(digest(ROWS), digest(changed))
    assert column in found
    assert column == "id" or found == {column}


def test_values_that_change_places_change_the_digest():
    swapped = ROWS.with_columns(count=pl.Series([1, 0, *range(2, 40)]))
    assert differing(digest(ROWS), digest(swapped)) == {"count"}


def test_columns_that_change_names_change_the_digest():
    same = ROWS.select("id", "at", a=pl.lit(1), b=pl.lit(2))
    assert differing(digest(same), digest(same.rename({"a": "b", "b": "a"}))) == {"a", "b"}


def test_a_new_column_of_nulls_changes_nothing():
    wider = ROWS.with_columns(new=pl.lit(None, pl.String), other=pl.lit(None, pl.Float64))
    assert_frame_equal(digest(wider), digest(ROWS))


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        ("count", pl.Float64()),
        ("count", pl.String()),
        ("count", pl.Int8()),
        ("amount", pl.String()),
        ("express", pl.String()),
        ("express", pl.Int64()),
        ("shop", pl.Categorical()),
        ("at", pl.Datetime("ns", "UTC")),
    ],
)
def test_a_wider_type_changes_nothing(column, dtype):
    assert_frame_equal(digest(ROWS.with_columns(pl.col(column).cast(dtype))), digest(ROWS))


def test_moments_and_numbers_as_text_hash_as_what_they_were():
    texts = ROWS["at"].dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ")
    assert (hash_values(texts) == hash_values(ROWS["at"])).all()
    numbers = pl.Series([0.1, 1e-7, 1e16, 1e300, -0.0, 5.0, float("nan"), float("inf")])
    assert (hash_values(numbers.cast(pl.String)) == hash_values(numbers)).all()


@given(numbers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_hash_as_their_digits(numbers):
    values = pl.Series(numbers, dtype=pl.Int64)
    assert (hash_values(values) == hash_values(values.cast(pl.String))).all()
    assert len({*hash_values(values.unique()).tolist()}) == values.n_unique()


@given(texts=st.lists(st.text(), min_size=1, unique=True))
def test_different_texts_hash_differently(texts):
    words = [text for text in texts if not any(character.isdigit() for character in text)]
    assert len({*hash_values(pl.Series(words, dtype=pl.String)).tolist()}) == len(words)


def test_texts_with_zeros_in_front_are_no_numbers():
    values = hash_values(pl.Series(["7", "07", "-7", "-07", "7a", "1234567890123456", "1234567890123457"]))
    assert len({*values.tolist()}) == 7
    same = hash_values(pl.Series(["7", "7.0", "7e0"]))
    assert len({*same.tolist()}) == 1


def test_the_hashes_are_those_that_earlier_versions_stored():
    found = digest(ROWS.head(3))
    stored = dict(found.group_by("column").agg(pl.col("digest").sum()).sort("column").iter_rows())
    assert stored == STORED


def test_what_a_lake_gives_back_has_the_same_digest(tmp_path):
    lake = Lake(tmp_path)
    lake.append("log", ROWS.head(20), time="at")
    lake.append("log", ROWS.tail(20).with_columns(new=pl.lit("x")), time="at")
    assert_frame_equal(digest(lake.read("log").drop("new")), digest(ROWS))


def test_rows_without_a_time_are_counted():
    found = digest(ROWS.with_columns(at=pl.lit(None, ROWS.schema["at"])))
    assert found.filter(pl.col("column") == "id")["values"].to_list() == [40]


def test_digests_that_were_stored_stay_what_they_were():
    """A lake keeps them for years: a faster way to compute them must not change them."""
    rows = pl.DataFrame(
        {
            "id": ["a", "b", None, "d"],
            "at": [None, datetime(2013, 3, 1, 5, 30, tzinfo=UTC), None, None],
            "number": [None, 1e300, float("nan"), -0.0],
            "large": [2**60, None, 1, -(2**55)],
            "text": ["true", " 5", "007", "2013-03-01T05:00:00.000000Z"],
            "list": [[1, None], [], None, [2]],
            "truth": [True, None, False, True],
        }
    )
    assert hashlib.sha256(digest(rows).write_csv().encode()).hexdigest()[:16] == "cf783a97654f6abc"


def test_many_rows_have_the_digests_of_their_parts():
    times = 10_000 // ROWS.height
    many = pl.concat([ROWS.with_columns(pl.col("id") + f" {number}") for number in range(times)])
    many = many.with_columns(empty=pl.lit(None, pl.String), text=pl.col("amount").cast(pl.String))
    parts = [digest(many.slice(start, 999)) for start in range(0, many.height, 999)]
    assert_frame_equal(digest(many), add_digests(pl.concat(parts)))
