"""Rows that come in parts are one commit of a table, or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from s3_server import open_stored

from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake

ROWS = pl.DataFrame({"id": [f"{number}" for number in range(10)], "x": range(10)})


def parts() -> Iterator[pl.DataFrame]:
    yield from ROWS.iter_slices(3)


def broken() -> Iterator[pl.DataFrame]:
    yield ROWS
    raise InvalidInput("changed while it was read", code="file_changes", where="x", hint="wait")


def test_parts_are_the_rows_of_one_commit(tmp_path: Path) -> None:
    lake, whole = Lake(tmp_path / "parts"), Lake(tmp_path / "whole")
    for _ in range(2):
        lake.append_parts("t", parts, schema=ROWS.schema, time="x")
        whole.append("t", ROWS, time="x")
    assert lake.snapshot("t") == whole.snapshot("t")
    assert lake.version("t") == 1
    assert lake.open_table("t").metadata().configuration == whole.open_table("t").metadata().configuration
    read = pl.concat(lake.read_parts("t", version=1))
    assert read.equals(lake.read("t"))
    assert pl.concat(lake.read_parts("t", version=0)).equals(ROWS)


def test_a_table_gets_no_rows_where_a_part_cannot_be_made(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with pytest.raises(InvalidInput, match="changed while it was read"):
        lake.append_parts("t", broken, schema=ROWS.schema)
    assert lake.tables() == []
    lake.append_parts("t", parts, schema=ROWS.schema)
    with pytest.raises(InvalidInput, match="changed while it was read"):
        lake.append_parts("t", broken, schema=ROWS.schema)
    assert lake.version("t") == 0
    assert lake.read("t").height == 10


def test_no_rows_make_a_table(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.append_parts("t", lambda: iter([ROWS.clear()]), schema=ROWS.schema)
    lake.append_parts("u", lambda: iter(list[pl.DataFrame]()), schema=ROWS.schema)
    assert lake.read("t").equals(ROWS.clear())
    assert lake.read("u").equals(ROWS.clear())


def test_columns_of_another_type_and_new_ones_are_taken_as_those_of_whole_rows_are(tmp_path: Path) -> None:
    later = pl.DataFrame({"id": [1, 2, 3], "x": [0.5, 1.0, None], "y": ["a", None, "b"]})
    lake, whole = Lake(tmp_path / "parts"), Lake(tmp_path / "whole")
    for one in (lake, whole):
        one.append("t", ROWS)
    lake.append_parts("t", lambda: later.iter_slices(1), schema=later.schema)
    whole.append("t", later)
    assert lake.schema("t") == whole.schema("t")
    assert lake.snapshot("t") == whole.snapshot("t")


def test_another_process_that_is_faster_costs_a_second_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, begun = Lake(tmp_path), list[int]()

    def read() -> Iterator[pl.DataFrame]:
        begun.append(1)
        yield ROWS

    first = lake.commits.create

    def create(name: str, _rows: object, **more: Any) -> bool:
        first(name, ROWS, **more)
        return False

    monkeypatch.setattr(lake.commits, "create", create)
    lake.append_parts("t", read, schema=ROWS.schema)
    assert lake.read("t").height == 20
    assert begun == [1]


def test_parts_reach_an_object_store_in_one_commit(stored_uri: str, tmp_path: Path) -> None:
    lake = open_stored(stored_uri, tmp_path / "one")
    with pytest.raises(InvalidInput, match="changed while it was read"):
        lake.append_parts("t", broken, schema=ROWS.schema)
    assert lake.tables() == []
    for _ in range(2):
        lake.append_parts("t", parts, schema=ROWS.schema, time="x")
    elsewhere = open_stored(stored_uri, tmp_path / "two")
    assert elsewhere.version("t") == 1
    assert elsewhere.read("t").sort("x").equals(pl.concat([ROWS, ROWS]).sort("x"))
