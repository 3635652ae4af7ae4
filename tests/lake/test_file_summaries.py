"""Summaries of files: always those of the present files, each read once."""

from collections import Counter

import polars as pl
import pytest
from deltalake import DeltaTable

from mlops_lab.lake import Lake
from mlops_lab.lake.file_summaries import FOLDER, count_values


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for kinds in (["a", "a", "b"], ["b", None], ["c"]):
        lake.append("table", pl.DataFrame({"kind": kinds}))
    return lake


def count(lake: Lake) -> Counter[str]:
    counted = sum(map(Counter, count_values(lake, "table", "kind").values()), Counter())
    everything = Counter(lake.read("table")["kind"].drop_nulls())
    assert counted == everything
    return counted


def compact(lake: Lake) -> None:
    DeltaTable(str(lake.table_path("table"))).optimize.compact()


def rewrite(lake: Lake) -> None:
    rows = lake.read("table").filter(pl.col("kind") != "a")
    rows.write_delta(str(lake.table_path("table")), mode="overwrite")


def test_counts_are_those_of_the_table_whatever_happens_to_it(lake):
    assert count(lake) == {"a": 2, "b": 2, "c": 1}
    for change in (lambda lake: lake.append("table", pl.DataFrame({"kind": ["c"]})), compact, rewrite, compact):
        change(lake)
        count(lake)
        count(Lake(lake.path))


def test_a_file_is_read_once(lake, monkeypatch):
    count_values(lake, "table", "kind")
    read = []
    original = Lake.read_files
    monkeypatch.setattr(
        Lake, "read_files", lambda self, name, files, **more: read.extend(files) or original(self, name, files, **more)
    )
    count_values(Lake(lake.path), "table", "kind")
    assert read == []
    lake.append("table", pl.DataFrame({"kind": ["d"]}))
    count_values(Lake(lake.path), "table", "kind")
    assert len(read) == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"x": 1}'])
def test_summaries_that_cannot_be_read_are_made_again(lake, content):
    count(lake)
    (kept,) = (lake.path / FOLDER).iterdir()
    kept.write_bytes(content)
    count(Lake(lake.path))
    assert lake.tables() == ["table"]
