"""What a file or folder is, by its content."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from data_files import CSV, FRAME, as_parquet, write

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lake.files import (
    DELIMITED,
    JSON_LINES,
    PARQUET,
    check_exists,
    check_files,
    check_kinds,
    file_stamp,
    find_bad_line,
    is_delta,
    list_files,
    open_as_text_or_parquet,
    scan_delta,
)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a", CSV, DELIMITED),
        ("a.parquet", as_parquet(), PARQUET),
        ("a.csv", as_parquet(), PARQUET),
        ("a.csv", b' {"a": 1}\n', JSON_LINES),
        ("a.csv", gzip.compress(b'{"a": 1}\n', mtime=0), JSON_LINES),
        ("a.csv", b"[a],b\n1,2\n", DELIMITED),
    ],
)
def test_the_kind_is_that_of_the_content(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    with open_as_text_or_parquet(write(tmp_path, name, content)) as (found, path):
        assert found == kind
        assert path.is_file()


def test_the_decompressed_content_is_deleted_afterwards(tmp_path: Path) -> None:
    with open_as_text_or_parquet(write(tmp_path, "a.csv.gz", gzip.compress(CSV))) as (_, path):
        assert path.read_bytes() == CSV
    assert not path.exists()


def test_hidden_files_of_a_folder_do_not_count(tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden", "_SUCCESS"):
        write(tmp_path, name, b"x")
    assert [file.name for file in list_files(tmp_path)] == ["a", "b"]
    assert check_files(tmp_path) == list_files(tmp_path)


def test_a_folder_needs_files_of_one_kind(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_files(tmp_path)
    assert caught.value.code == "empty_folder"
    check_kinds(tmp_path, {PARQUET: "a"})
    with pytest.raises(InvalidInput, match=r"a \(Parquet\), b \(delimited text\)"):
        check_kinds(tmp_path, {PARQUET: "a", DELIMITED: "b"})
    with pytest.raises(NotFound):
        check_exists(tmp_path / "nowhere")


def test_a_stamp_changes_with_the_size_the_time_and_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a", b"12")
    stamps = [file_stamp(path)]
    assert file_stamp(path) == stamps[0]
    path.write_bytes(b"123")
    stamps.append(file_stamp(path))
    os.utime(path, ns=(1, 1))
    stamps.append(file_stamp(path))
    write(tmp_path, "b", b"123").replace(path)
    stamps.append(file_stamp(path))
    assert len(set(stamps)) == len(stamps)


@pytest.mark.parametrize(
    ("content", "line"), [(b'{"a": 1}\n\n{"a": 2}\n', None), (b'{"a": 1}\n[1]\n', 2), (b'\n{"a": 1\n', 2)]
)
def test_the_first_line_that_is_not_an_object_is_named(tmp_path: Path, content: bytes, line: int | None) -> None:
    error = find_bad_line(write(tmp_path, "a.jsonl", content), "a.jsonl")
    assert (error and error.where) == (line and f"a.jsonl, line {line}")


@pytest.mark.parametrize("name", ["table", "my täble"])
def test_a_delta_table_is_found_in_any_folder(tmp_path: Path, name: str) -> None:
    FRAME.write_delta(str(tmp_path / name))
    assert is_delta(tmp_path / name)
    assert not is_delta(tmp_path)
    assert scan_delta(tmp_path / name).collect().equals(FRAME)
