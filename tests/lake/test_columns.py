"""Columns: selected, renamed, and in supported dtypes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from data_files import FRAME, write
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.columns import ColumnSelection, concat_parts, normalize_types, resolve_names
from mlops_lab.lake.sources import read_data
from mlops_lab.notes import listening


def test_columns_are_renamed_and_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b",sepal length (cm), id \n0,5.1,007\n1,4.9,010\n")
    selection = ColumnSelection(
        frozenset({"name"}), {"sepal length (cm)": "length", "id": "name"}, frozenset({"column_1"})
    )
    assert read_data(path, selection=selection).to_dict(as_series=False) == {
        "length": [5.1, 4.9],
        "name": ["007", "010"],
    }
    FRAME.write_parquet(tmp_path / "a.parquet")
    selection = ColumnSelection(rename={"n": "number"}, skip=frozenset({"x", "ok"}))
    assert read_data(tmp_path / "a.parquet", selection=selection).columns == ["city", "number"]


def test_dtypes_of_other_tools_are_converted(tmp_path: Path) -> None:
    frame = pl.DataFrame({"c": pl.Series(["a", None], dtype=pl.Categorical), "d": [1, 2], "f": [float("nan"), 1.0]})
    frame.with_columns(pl.col("d").cast(pl.Decimal(10, 2))).write_parquet(tmp_path / "a.parquet")
    read = read_data(tmp_path / "a.parquet")
    assert read.dtypes == [pl.String, pl.Float64, pl.Float64]
    assert read["f"].to_list() == [None, 1.0]


def test_moments_in_parquet_are_not_changed(tmp_path: Path) -> None:
    at = datetime(2024, 1, 2, 3, tzinfo=UTC)
    pl.DataFrame({"at": [at], "day": [at.date()]}).write_parquet(tmp_path / "a.parquet")
    assert read_data(tmp_path / "a.parquet").row(0) == (at, at.date())


names = st.sampled_from(["a", "b", "c", " a ", "", "x y"])


@given(st.lists(names, max_size=6), st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz")))
def test_names_are_different_or_the_repeated_ones_are_listed(header: list[str], rename: dict[str, str]) -> None:
    stripped = [name.strip() or f"column_{number}" for number, name in enumerate(header, 1)]
    expected = [rename.get(name, name) for name in stripped]
    try:
        resolved = resolve_names(header, "a.csv", ColumnSelection(rename=rename))
    except InvalidInput as error:
        repeated = {name for name in expected if expected.count(name) > 1}
        assert error.code == "duplicate_column"
        assert repeated
        assert all(f'"{name}"' in error.what for name in repeated)
    else:
        assert resolved == expected
        assert len(set(resolved)) == len(resolved)


def test_excluded_columns_are_those_skipped_and_those_not_listed() -> None:
    selection = ColumnSelection(rename={"n": "number"}, skip=frozenset({"n", "z"}), only=frozenset({"a", "number"}))
    assert selection.excluded(["a", "number", "b"]) == ["number", "b"]
    assert ColumnSelection().excluded(["a", "b"]) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series([1.5, float("nan")]), [1.5, None]),
        (pl.Series([1, 2], dtype=pl.Int128), ["1", "2"]),
        (pl.Series([90_500_000], dtype=pl.Duration("us")), [90.5]),
        (pl.Series(["a", None], dtype=pl.Enum(["a"])), ["a", None]),
    ],
)
def test_every_dtype_is_converted_to_a_supported_one(values: pl.Series, expected: list[object]) -> None:
    assert normalize_types(pl.DataFrame({"x": values}), "a.parquet")["x"].to_list() == expected


@pytest.mark.parametrize("values", [pl.Series([[1], [2]]), pl.Series([{"a": 1}]), pl.Series([b"x"])])
def test_lists_objects_and_bytes_are_left_out_and_told(values: pl.Series) -> None:
    notes: list[str] = []
    with listening(notes.append):
        assert normalize_types(pl.DataFrame({"x": values, "n": 1}), "a.parquet").columns == ["n"]
    assert notes[0].startswith('a.parquet: "x" is left out')


def test_parts_are_joined_in_order_and_an_empty_column_takes_the_type_of_the_others() -> None:
    empty = pl.DataFrame({"a": ["", None], "b": [None, None]}).with_columns(a=pl.lit(None, pl.String))
    parts = [("one", pl.DataFrame({"a": [1], "b": [0.5]})), ("two", empty.select("b", "a"))]
    assert concat_parts(parts).to_dict(as_series=False) == {"a": [1, None, None], "b": [0.5, None, None]}


def test_parts_of_different_types_name_the_part_and_the_column() -> None:
    parts = [(name, pl.DataFrame({"a": values})) for name, values in (("one", [1]), ("two", [2.5]), ("three", ["x"]))]
    with pytest.raises(InvalidInput) as caught:
        concat_parts(parts)
    assert caught.value.where == "three"
    assert 'column "a"' in caught.value.what
