"""Files are put together seldom enough and often enough, and nothing but the files changes."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.lake import Lake
from mlops_lab.lake.compaction import due_size, put_together
from mlops_lab.lake.durability import commits_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
KIB, MIB = 2**10, 2**20


def rows(batch: int) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{batch}-{number}" for number in range(3)], "at": [AT + timedelta(minutes=batch)] * 3})


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for batch in range(30):
        lake.append("rows", rows(batch), time="at", position=("journal", batch + 1))
    return lake


@pytest.mark.parametrize(
    ("sizes", "due"),
    [
        ([], None),
        ([5 * KIB] * 15, None),
        ([5 * KIB] * 16, 64 * KIB),
        ([40 * KIB] * 16, 256 * KIB),
        ([5 * KIB] * 8 + [60 * KIB] * 8, 256 * KIB),
        ([16 * MIB] * 100, None),
        ([5 * KIB] * 16 + [16 * MIB] * 100, 64 * KIB),
        ([15 * MIB] * 2000, 64 * MIB),
    ],
)
def test_files_of_one_size_are_put_together_to_one_of_the_next(sizes, due):
    assert due_size(sizes) == due


@given(st.lists(st.integers(1, 20 * MIB), max_size=60))
def test_what_is_due_makes_fewer_files(sizes):
    """Twice the size of what is put together is enough for all of it: so it gets to fewer than half as many files."""
    due = due_size(sizes)
    if due is not None:
        smaller = [size for size in sizes if size < due]
        assert 2 * sum(smaller) / due <= len(smaller) / 2


def test_nothing_but_the_files_changes(lake):
    before = lake.read("rows")
    put_together(lake.commits, "rows", size_bytes=10 * KIB)
    again = Lake(lake.path)
    assert again.read("rows").equals(before), "the order of the rows is the same, too"
    assert again.position("rows", "journal") == 30
    assert len(again.files("rows")) < 10
    assert again.version("rows") == 30


def test_the_commit_says_that_no_row_is_new_and_of_which_time_the_rows_of_a_file_are(lake):
    put_together(lake.commits, "rows", size_bytes=10 * KIB)
    lines = [msgspec.json.decode(line) for line in commits_of(lake.table_path("rows"))[-1].read_bytes().splitlines()]
    changes = [line[kind] for line in lines for kind in ("add", "remove") if kind in line]
    assert not any(change["dataChange"] for change in changes)
    times = [msgspec.json.decode(line["add"]["stats"]) for line in lines if "add" in line]
    spans = sorted((stats["minValues"]["at"], stats["maxValues"]["at"]) for stats in times)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans)), "adjacent times"


def test_files_that_are_large_enough_are_not_written_again(lake):
    put_together(lake.commits, "rows", size_bytes=MIB)
    version = lake.version("rows")
    put_together(lake.commits, "rows", size_bytes=MIB)
    assert lake.version("rows") == version


def test_what_other_processes_do_meanwhile_is_kept_and_nothing_is_written_twice(lake):
    """Appends, the same again, and rows that get another type; delta-rs itself would let some of them double rows."""

    def work(kind: int) -> None:
        other = Lake(lake.path)
        for number in range(10):
            if kind == 0:
                other.append("rows", rows(100 + number))
            elif kind == 1:
                other.rewrite("rows", lambda old: old)
            else:
                put_together(lake.commits, "rows", size_bytes=10 * KIB)

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, [0, 1, 2, 2]))
    ids = Lake(lake.path).read("rows")["id"]
    assert sorted(ids) == sorted(name for batch in [*range(30), *range(100, 110)] for name in rows(batch)["id"])
