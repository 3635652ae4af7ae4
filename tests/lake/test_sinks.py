"""A table that is written batch by batch appears complete, or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest
from data_files import NAMES
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.sinks import DELTA, FORMATS, check_target, choose_format, open_sink
from mlops_lab.lake.sources import read_data

FRAME = pl.DataFrame(
    {
        "id": [f"r{n}" for n in range(10)],
        "at": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 10), time_zone="UTC", eager=True),
        "x": [0.5, None, *([1.25] * 8)],
        "version": [1] * 10,
    },
    schema_overrides={"at": pl.Datetime("us", "UTC")},
)


def read(path: Path, kind: str) -> pl.DataFrame:
    if kind == "csv":
        return pl.read_csv(path, schema_overrides={"at": pl.Datetime("us", "UTC")})
    return pl.read_parquet(path) if kind == "parquet" else read_data(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_batches_become_one_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"my answers.{kind}"
    with open_sink(path, kind) as write:
        for batch in FRAME.iter_slices(3):
            write(batch)
            assert not path.exists()
    assert_frame_equal(read(path, kind), FRAME)
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_never_a_pattern(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / f"{name}.{kind}"
    if kind == DELTA and name in {"report[1]", "what?", "x^|%20", "back\\slash", "q%3A"}:
        with pytest.raises(InvalidInput, match="in its path"):
            check_target(path, kind, overwrite=False)
        return
    for overwrite in (False, True):
        with open_sink(path, kind, overwrite=overwrite) as write:
            write(FRAME)
    assert_frame_equal(
        read_data(path, selection=ColumnSelection(frozenset({"id", "at"}))).select("x"), FRAME.select("x")
    )
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failure_leaves_nothing(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ZeroDivisionError), open_sink(tmp_path / "out", kind) as write:
        write(FRAME)
        write(FRAME.head(1 // 0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_an_existing_table_is_kept_unless_it_is_overwritten(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    with open_sink(path, kind) as write:
        write(FRAME)
    with pytest.raises(InvalidInput, match="already") as caught, open_sink(path, kind) as write:
        write(FRAME.head(1))
    assert caught.value.code == "output_exists"
    assert_frame_equal(read(path, kind), FRAME)
    other = FRAME.head(2).rename({"x": "y"})
    with open_sink(path, kind, overwrite=True) as write:
        write(other)
        assert_frame_equal(read(path, kind), FRAME)
    assert_frame_equal(read(path, kind), other)
    if kind == "delta":
        assert pl.read_delta(str(path), version=0).height == FRAME.height, "the old version can still be read"
        assert DeltaTable(str(path)).version() == 1


def test_a_file_created_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with pytest.raises(InvalidInput), open_sink(path, "csv") as write:
        write(FRAME)
        path.write_text("somebody else's")
    assert path.read_text() == "somebody else's"


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught, open_sink(tmp_path / "out.csv", "csv") as write:
        write(FRAME)
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [("folder", "csv", "output_exists"), ("folder", "delta", "output_exists"), ("no/such.csv", "csv", "no_folder")],
)
def test_a_target_that_cannot_be_written_is_an_error(tmp_path: Path, name: str, kind: str, code: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput) as caught:
        check_target(tmp_path / name, kind, overwrite=True)
    assert caught.value.code == code
    assert caught.value.hint
    assert (tmp_path / "folder" / "thesis.txt").exists()


def test_an_empty_folder_becomes_a_delta_table(tmp_path: Path) -> None:
    with open_sink(tmp_path, "delta") as write:
        write(FRAME)
    assert read(tmp_path, "delta").height == FRAME.height


def test_the_format_is_the_requested_one_or_that_of_the_suffix() -> None:
    assert choose_format(Path("a.csv"), None) == "csv"
    assert choose_format(Path("a.delta"), None) == "delta"
    assert choose_format(Path("a.txt"), "parquet") == "parquet"
    for path, requested in ((Path("a.xlsx"), None), (Path("a"), None), (Path("a.csv"), "feather")):
        with pytest.raises(InvalidInput) as caught:
            choose_format(path, requested)
        assert caught.value.code == "unknown_format"
