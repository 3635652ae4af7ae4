"""Tables in batches: the same rows as when the whole table is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from data_files import FORMATS, FRAME, NAMES, write, write_decoys
from polars.testing import assert_frame_equal

from mlops_lab.lake.batches import read_batches
from mlops_lab.lake.columns import ColumnSelection


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_the_batches_of_every_format_are_the_same_table(tmp_path: Path, kind: str, rows: int) -> None:
    name, content = FORMATS[kind]
    path = write(tmp_path, name, content)
    selection = ColumnSelection(frozenset({"city"}), only=frozenset({"city", "x"}))
    batches = list(read_batches(path, selection=selection, rows=rows))
    frames = [batch.frame.select("city", pl.col("x").cast(pl.Float64)) for batch in batches]
    assert_frame_equal(pl.concat(frames), FRAME.select("city", "x"))
    assert max(frame.height for frame in frames) <= rows
    assert [batch.first_row for batch in batches] == [
        sum(frame.height for frame in frames[:n]) for n in range(len(frames))
    ]
    assert {tuple(map(str.strip, batch.names)) for batch in batches} == {tuple(FRAME.columns)}
    assert {batch.total_rows for batch in batches} <= {4, None}


@pytest.mark.parametrize("kind", ["comma", "Parquet", "JSON lines"])
@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_never_a_pattern(tmp_path: Path, name: str, kind: str) -> None:
    suffix = Path(FORMATS[kind][0]).suffix
    write_decoys(tmp_path, suffix)
    path = write(tmp_path, f"{name}{suffix}", FORMATS[kind][1])
    batches = read_batches(path, selection=ColumnSelection())
    assert_frame_equal(pl.concat(batch.frame for batch in batches), FRAME)


def test_batches_of_folders_and_delta_tables(tmp_path: Path) -> None:
    parts, table = tmp_path / "parts", tmp_path / "ä table"
    parts.mkdir()
    write(parts, "b.csv", b"n,x,more\n3,,1\n")
    write(parts, "a.csv.gz", gzip.compress(b"x,n\n0.5,1\n1,2\n"))
    selection = ColumnSelection(frozenset(), only=frozenset({"n", "x"}))
    summaries = [
        (Path(batch.name).name, batch.first_row, batch.frame["n"].to_list())
        for batch in read_batches(parts, selection=selection)
    ]
    assert summaries == [("a.csv.gz", 0, [1, 2]), ("b.csv", 0, [3])]
    FRAME.write_delta(str(table))
    assert_frame_equal(
        pl.concat(batch.frame for batch in read_batches(table, selection=ColumnSelection(), rows=2)), FRAME
    )


def test_a_json_line_may_omit_a_field(tmp_path: Path) -> None:
    long = b"." * 200
    lines = b"".join(b'{"n":%d%s,"p":"%s"}\n' % (n, b',"x":0.5' if n == 9 else b"", long) for n in range(50_000))
    selection = ColumnSelection(frozenset(), only=frozenset({"n", "x"}))
    batches = list(read_batches(write(tmp_path, "a.jsonl", lines), selection=selection, rows=100_000))
    assert pl.concat((batch.frame for batch in batches), how="diagonal")["n"].to_list() == list(range(50_000))
    assert [(batch.may_omit_fields, batch.names) for batch in batches] == [(True, ["n", "x", "p"]), (True, ["n", "p"])]
