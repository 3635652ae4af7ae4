"""Whatever happens to a table in whatever order, it holds its rows once; and it stays small."""

from __future__ import annotations

import contextlib
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake, commits, compaction, durability, retention
from mlops_lab.lake.durability import commits_of, incomplete_tables, undo_incomplete
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import keep_small

AT = datetime(2026, 3, 1, tzinfo=UTC)
NOW = Retention(timedelta(0), timedelta(0))
STEPS = st.lists(
    st.sampled_from(["append", "append", "append", "new column", "other type", "keep", "kill", "half", "pin", "open"]),
    min_size=5,
    max_size=40,
)


def rows(number: int, **more: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{number}-a", f"{number}-b"], "at": [AT + timedelta(minutes=number)] * 2, **more})


def count_files(lake: Lake, pattern: str) -> int:
    return len(list(lake.table_path("rows").glob(pattern)))


class World:
    """A table, what it must hold, and the versions that must stay readable."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.lake, self.patch = Lake(folder / "lake"), patch
        self.ids: list[str] = []
        self.pinned: dict[int, pl.Series] = {}
        self.appends = 0

    def append(self, **more: list[object]) -> None:
        self.appends += 1
        self.lake.append("rows", rows(self.appends, **more), time="at", position=("journal", self.appends))
        self.ids += rows(self.appends)["id"].to_list()

    def keep(self) -> None:
        keep_small(self.lake, "rows", pinned=lambda: [*self.pinned], retention=NOW)

    def kill(self) -> None:
        """A kill at the first file that is deleted, or before what was put together is on the disk."""
        for module, name in ((retention, "sync_table"), (commits, "sync_commits")):
            with self.patch.context() as broken, pytest.MonkeyPatch.context():
                broken.setattr(module, name, self._fail)
                try:
                    self.keep()
                except RuntimeError:
                    break
        self.open()

    def half(self) -> None:
        """A power cut after files were put together: the commit is there, and its files are not."""
        version = self.lake.version("rows")
        with self.patch.context() as broken:
            broken.setattr(retention, "sync_table", self._fail)
            with contextlib.suppress(RuntimeError):
                self.keep()
        for commit in commits_of(self.lake.table_path("rows"))[version + 1 :][:1]:
            for add in durability._actions(commit, "add"):
                if not add["dataChange"]:
                    os.truncate(self.lake.table_path("rows") / add["path"], 0)
        for table in incomplete_tables(self.lake.path):
            assert durability.holds_no_rows(self.lake.table_path(table))
            undo_incomplete(self.lake.table_path(table), aside=self.lake.path.parent / "aside")
        self.open()

    def pin(self) -> None:
        self.pinned[self.lake.version("rows")] = self.lake.read("rows")["id"].sort()

    def open(self) -> None:
        self.lake = Lake(self.lake.path)

    @staticmethod
    def _fail(*_: object) -> None:
        raise RuntimeError("killed")

    def check(self) -> None:
        for lake in (self.lake, Lake(self.lake.path)):
            assert sorted(lake.read("rows")["id"]) == sorted(self.ids)
            assert lake.position("rows", "journal") == self.appends
        for version, ids in self.pinned.items():
            assert self.lake.read("rows", version=version)["id"].sort().equals(ids)
        assert incomplete_tables(self.lake.path) == {}


@settings(max_examples=15)
@given(steps=STEPS)
def test_each_row_is_there_once_whatever_happens_in_between(steps):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "_FILES", 3)
        patch.setattr(retention, "_COMMITS_AT_ONCE", 1)
        world = World(Path(folder), patch)
        world.append()
        for step in steps:
            match step:
                case "append":
                    world.append()
                case "new column":
                    world.append(note=["x", None])
                case "other type":
                    world.append(value=[1.5 if world.appends % 2 else 1, None])
                case "keep":
                    world.keep()
                case "kill":
                    world.kill()
                case "half":
                    world.half()
                case "pin":
                    world.pin()
                case "open":
                    world.open()
            world.check()


def live(lake: Lake, appends: range, kept: Retention) -> list[tuple[int, int, int]]:
    """Append and keep small; each time the numbers of files of the table, of all files, and of commits."""
    counts = []
    for number in appends:
        lake.append("rows", rows(number), time="at", position=("journal", number + 1))
        keep_small(lake, "rows", pinned=list, retention=kept)
        counts.append((len(lake.files("rows")), count_files(lake, "*.parquet"), count_files(lake, "_delta_log/*.json")))
    return counts


@pytest.mark.parametrize("appends", [200, pytest.param(43_200, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_files_and_commits_do_not_become_more_in_a_long_life(tmp_path, appends):
    lake = Lake(tmp_path / "lake")
    counts = live(lake, range(appends), NOW)
    most = [max(column) for column in zip(*counts, strict=True)]
    assert most[0] <= 60, "files of the table"
    assert most[1] <= 80, "all files"
    assert most[2] <= 120, "commits"
    assert lake.read("rows").height == 2 * appends
    assert Lake(lake.path).position("rows", "journal") == appends


def test_with_the_usual_times_nothing_that_is_new_is_deleted(tmp_path):
    lake = Lake(tmp_path / "lake")
    live(lake, range(40), Retention())
    assert len(lake.files("rows")) < 20
    assert count_files(lake, "*.parquet") >= 40
    assert sorted(lake.read("rows", version=10)["id"]) == sorted(name for n in range(11) for name in rows(n)["id"])


def test_a_table_of_an_older_release_gets_what_new_ones_have(tmp_path):
    lake = Lake(tmp_path / "lake")
    for number in range(20):
        rows(number).write_delta(str(lake.table_path("rows")), mode="append")
    live(lake, range(20, 21), NOW)
    configuration = lake.open_table("rows").metadata().configuration
    assert configuration["delta.checkpointInterval"] == "20"
    assert configuration["delta.enableExpiredLogCleanup"] == "false"
    assert lake.read("rows").height == 42


def test_a_damaged_table_stays_as_it_is(tmp_path):
    lake = Lake(tmp_path / "lake")
    live(lake, range(14), NOW)
    file = sorted(lake.table_path("rows").glob("*.parquet"))[0]
    file.write_bytes(file.read_bytes()[:100] + bytes(file.stat().st_size - 100))
    before = count_files(lake, "*.parquet")
    with pytest.raises(EnvironmentFault) as error:
        live(lake, range(14, 20), NOW)
    assert error.value.code == "lake_fault"
    assert count_files(lake, "*.parquet") == before + 2
