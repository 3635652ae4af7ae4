"""Data of every format is read as the same table; an error about it says where it is wrong."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from data_files import CSV, FORMATS, FRAME, NAMES, as_parquet, write, write_decoys, zipped
from polars.testing import assert_frame_equal

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.sources import read_data, read_unchanged


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_the_same_table(tmp_path: Path, kind: str) -> None:
    name, content = FORMATS[kind]
    write(tmp_path, name, content)
    assert_frame_equal(read_data(name, root=tmp_path).rename(str.strip), FRAME)


@pytest.mark.parametrize("kind", ["comma", "Parquet", "JSON lines", "UTF-16", "gzip"])
@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_never_a_pattern(tmp_path: Path, name: str, kind: str) -> None:
    suffix = Path(FORMATS[kind][0]).suffix
    write_decoys(tmp_path, suffix)
    write(tmp_path, f"{name}{suffix}", FORMATS[kind][1])
    assert_frame_equal(read_data(f"{name}{suffix}", root=tmp_path), FRAME)
    folder = tmp_path / name
    folder.mkdir()
    write(folder, f"{name}{suffix}", FORMATS[kind][1])
    assert_frame_equal(read_data(folder), FRAME)


def test_a_delta_table_whose_path_the_library_misreads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a[1]" / "_delta_log").mkdir(parents=True)
    with pytest.raises(InvalidInput) as caught:
        read_data(tmp_path / "a[1]")
    assert (caught.value.code, caught.value.where) == ("unusable_folder", str(tmp_path / "a[1]"))


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    write(tmp_path, "b.csv", b"n,x\n3,\n")
    write(tmp_path, "a.csv.gz", gzip.compress(b"x,n\n0.5,1\n1,2\n"))
    write(tmp_path, "_SUCCESS", b"")
    write(tmp_path, ".hidden", b"?")
    assert read_data(tmp_path).to_dict(as_series=False) == {"x": [0.5, 1.0, None], "n": [1, 2, 3]}


def test_a_delta_table_is_read(tmp_path: Path) -> None:
    FRAME.write_delta(str(tmp_path / "a table"))
    assert_frame_equal(read_data("a table", root=tmp_path), FRAME)


BOMB = pa.compress(b"1,2\n" * (30 * 2**20), codec="zstd", asbytes=True)  # the quickest to make

BAD_FILES: dict[str, tuple[str, bytes, str, str]] = {
    "empty": ("a.csv", b"", "empty_file", "a.csv"),
    "empty but for newlines": ("a.csv", b"\xef\xbb\xbf\n\n", "empty_file", "a.csv"),
    "empty, packed": ("a.csv.gz", gzip.compress(b""), "empty_file", "a.csv.gz"),
    "header only": ("a.csv", b"a,b\n", "no_rows", "a.csv"),
    "no header": ("a.csv", b"\na,b\n1,2\n", "no_header", "line 1"),
    "columns twice": ("a.csv", b"a,b,a, b \n1,2,3,4\n", "duplicate_column", '"a", "b"'),
    "a long row": ("a.csv", b"a,b\n1,2\n3,4,5\n6,7\n", "ragged_rows", "line 3"),
    "a short row": ("a.csv", b'a,b,c\n1,2,"x\ny"\n3,4\n', "ragged_rows", "line 4"),
    "a short last row": ("a.csv", b"a,b,c\n1,2,3\n4,5", "ragged_rows", "line 3"),
    "an open quote": ("a.csv", b'a,b\n1,2\n3,"x\n4,y\n', "ragged_rows", "line 3"),
    "broken UTF-8": ("a.csv", "a,b\n1,café\n".encode() + b"2,\xe9t\xe9\n", "bad_encoding", "line 3"),
    "cut UTF-16": ("a.csv", "a,b\n1,2\n".encode("utf-16")[:-1], "bad_encoding", "line 2"),
    "a picture": ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "unknown_format", "neither text"),
    "a workbook": ("a.xlsx", zipped(b"x", "[Content_Types].xml", "xl/workbook.xml"), "unknown_format", "CSV"),
    "an archive": ("a.zip", zipped(CSV, "a.csv", "b.csv"), "unknown_format", "2 files"),
    "a database": ("a.db", b"SQLite format 3\0" + bytes(84), "unknown_format", "sqlite:///"),
    "a JSON array": ("a.json", b'[{"a": 1}, {"a": 2}]', "unknown_format", "jq"),
    "a JSON line cut": ("a.jsonl", b'{"a": 1}\n{"a": 2\n', "bad_file", "line 2"),
    "a JSON line of another kind": ("a.jsonl", b'{"a": 1}\n\n[2]\n', "bad_file", "line 3"),
    "a nested JSON": ("a.jsonl", b'{"a": 1, "b": [1, 2]}\n', "nested_column", 'column "b"'),
    "Parquet cut": ("a.parquet", as_parquet()[:-40], "bad_file", "Parquet"),
    "gzip cut": ("a.csv.gz", gzip.compress(CSV * 100)[:-20], "bad_file", "cut off"),
    "zip cut": ("a.zip", zipped(CSV, "a.csv")[:-30], "bad_file", "zip"),
    "Zstandard cut": ("a.zst", pa.compress(CSV * 100, codec="zstd", asbytes=True)[:-9], "bad_file", "Zstandard"),
    "xz garbage": ("a.csv.xz", lzma.compress(CSV)[:20] + b"?" * 40, "bad_file", "xz"),
    "a bomb": ("a.csv.zst", BOMB, "compression_bomb", "grow to more"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_an_error_about_a_file_says_where(tmp_path: Path, kind: str) -> None:
    name, content, code, expected = BAD_FILES[kind]
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = write(folder, name, content)
    with pytest.raises(InvalidInput) as caught:
        read_data(path)
    error = caught.value
    assert error.code == code, error
    assert str(path) in str(error.where)
    assert expected in f"{error.where} {error.what} {error.hint}"
    assert error.hint
    assert len(str(error)) < 400


BAD_FOLDERS: dict[str, tuple[dict[str, bytes], str, str]] = {
    "empty": ({}, "empty_folder", "no files"),
    "mixed": ({"a.csv": CSV, "b.parquet": as_parquet()}, "mixed_formats", "b.parquet (Parquet)"),
    "another column": ({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,c\n1,2\n"}, "mixed_types", '"b"'),
    "one more column": ({"a.csv": b"a\n1\n", "b.csv": b"a,c\n1,2\n"}, "mixed_types", '"c"'),
    "another type": ({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\nx,2\n"}, "mixed_types", "b.csv"),
    "a bad one": ({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1\n"}, "ragged_rows", "b.csv, line 2"),
}


@pytest.mark.parametrize("kind", BAD_FOLDERS)
def test_a_folder_of_different_files_is_an_error(tmp_path: Path, kind: str) -> None:
    files, code, expected = BAD_FOLDERS[kind]
    for name, content in files.items():
        write(tmp_path, name, content)
    with pytest.raises(InvalidInput) as caught:
        read_data(tmp_path)
    assert caught.value.code == code
    assert expected in f"{caught.value.where} {caught.value.what}"


def test_a_missing_path_and_a_folder_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        read_data("nowhere.csv", root=tmp_path)
    (tmp_path / "data/inner").mkdir(parents=True)
    with pytest.raises(InvalidInput, match='the folder "inner"'):
        read_data("data", root=tmp_path)
    (tmp_path / "table/_delta_log").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="a Delta table"):
        read_data("table", root=tmp_path)


def test_a_file_that_changes_once_is_read_again_and_one_that_always_does_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"a\n1\n")

    def reader(changes: int) -> Callable[[], pl.DataFrame]:
        left = [changes]

        def read() -> pl.DataFrame:
            frame = read_data(path)
            if left[0]:
                left[0] -= 1
                with path.open("a") as file:
                    file.write("2\n")
            return frame

        return read

    def stamp() -> int:
        return path.stat().st_size

    assert read_unchanged(stamp, reader(1), "a.csv")["a"].to_list() == [1, 2], "the second time"
    with pytest.raises(InvalidInput) as caught:
        read_unchanged(stamp, reader(9), "a.csv")
    assert caught.value.code == "file_changes"


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_spaces_around_text_do_not_count(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({"city": [" Bonn", "Ulm ", "New York"], "n": [1, 2, 3]})
    getattr(frame, {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[kind])(tmp_path / "a")
    assert read_data("a", root=tmp_path)["city"].to_list() == ["Bonn", "Ulm", "New York"]
