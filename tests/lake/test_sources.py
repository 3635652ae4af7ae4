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
from mlops_lab.lake.batches import read_batches
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.read_options import ReadOptions
from mlops_lab.lake.sources import read_data, read_unchanged
from mlops_lab.notes import listening


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


ROWS = [f"{n / 7:.3f},{n},{'xy'[n % 2]}" for n in range(60)]
TABLE = pl.DataFrame({"a": [round(n / 7, 3) for n in range(60)], "b": range(60), "c": ["x", "y"] * 30})
WRITTEN: dict[str, list[str]] = {
    "comments": ["# made by a tool, on a day", "# it's \"old", "a,b,c", *ROWS],
    "names in a comment": ["# made by a tool", "#a,b,c", *ROWS],
    "sep= of Excel": ["sep=,", "a,b,c", *ROWS],
    "blanks": ["a b c", *[row.replace(",", " ") for row in ROWS]],
    "a separator after the last": ["a,b,c", *[f"{row}," for row in ROWS]],
    "and after the names too": ["a,b,c,", *[f"{row}," for row in ROWS]],
    "names of rows": ["a,b,c", *[f"r{n},{row}" for n, row in enumerate(ROWS)]],
    "comments and names of rows": ["# by R", "a,b,c", *[f"r{n},{row}" for n, row in enumerate(ROWS)]],
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_lines_above_and_cells_beside_the_table_do_no_harm(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "a.csv", "\n".join([*WRITTEN[kind], ""]).encode())
    frame = read_data(path)
    names = ["#a" if name == "a" and name not in frame.columns else name for name in TABLE.columns]
    assert_frame_equal(frame.select(names).rename({names[0]: "a"}), TABLE)
    assert set(frame.columns) - set(names) <= {"column_1", "column_4"}
    batches = read_batches(path, selection=ColumnSelection(frozenset({"c"})), rows=7)
    assert_frame_equal(pl.concat(batch.frame.select(names) for batch in batches).rename({names[0]: "a"}), TABLE)


@pytest.mark.parametrize("first", ["0,1,2", "2019,2020,2021", "country,2019,2020", "a,b,2"])
def test_numbers_can_be_names(tmp_path: Path, first: str) -> None:
    assert read_data(write(tmp_path, "a.csv", f"{first}\n1,2,3\n3,4,3\n".encode())).columns == first.split(",")


def test_names_are_given_to_a_table_without_them(tmp_path: Path) -> None:
    names = ColumnSelection(options=ReadOptions(names=("a", "b", "c")))
    for lines in (ROWS, ["a,b,c", *ROWS], ["# x", *ROWS]):
        path = write(tmp_path, "a.csv", "\n".join(lines).encode())
        assert_frame_equal(read_data(path, selection=names), TABLE)
    with pytest.raises(InvalidInput, match="2 names are given"):
        read_data(path, selection=ColumnSelection(options=ReadOptions(names=("a", "b"))))


def test_nested_columns_are_left_out_and_told_and_empty_ones_are_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", b'{"a": 1, "tags": ["x"], "o": {"p": 1}, "none": null}\n' * 3)
    notes: list[str] = []
    with listening(notes.append):
        frame = read_data(path)
    assert frame.schema == {"a": pl.Int64, "none": pl.String}
    assert '"tags", "o" is left out' in notes[0]


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_marks_of_missing_values_count_in_text_too(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({"city": ["Bonn", "NA", "Ulm", "n.v."], "n": [1, -999, 3, 4]})
    getattr(frame, {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[kind])(tmp_path / "a")
    marked = ColumnSelection(options=ReadOptions(na=("n.v.", "-999")))
    read = read_data("a", root=tmp_path, selection=marked)
    assert read.to_dict(as_series=False) == {"city": ["Bonn", None, "Ulm", None], "n": [1, None, 3, 4]}


@pytest.mark.parametrize(
    ("decimal", "cells", "expected"),
    [
        (",", ["1.234,5", "-2,25", "1.000", "NA"], [1234.5, -2.25, 1000.0, None]),
        (",", ["1 234", "5", "1.234.567", ""], [1234, 5, 1234567, None]),
        (".", ["1,234.5", "2.25", "1,000", "?"], [1234.5, 2.25, 1000.0, None]),
        (".", ["$1,234.50", "-$5.00", "€ 7", ""], [1234.5, -5.0, 7.0, None]),
        (",", ["1.234,50 €", "-3 €", "£7", "0,5€"], [1234.5, -3.0, 7.0, 0.5]),
        (".", ["23.8%", "1 %", "NA", "5"], [23.8, 1.0, None, 5.0]),
        (".", ["1'234.5", ".5", "5.", "-"], [1234.5, 0.5, 5.0, None]),
        (",", ["0,5", "x", "1,5", "2"], ["0,5", "x", "1,5", "2"]),
    ],
)
def test_decimals_and_thousands_are_read_as_the_flag_says(
    tmp_path: Path, decimal: str, cells: list[str], expected: list[object]
) -> None:
    path = write(tmp_path, "a.csv", "\n".join(["x;y", *(f"{cell};k" for cell in cells)]).encode())
    read = read_data(path, selection=ColumnSelection(options=ReadOptions(decimal=decimal)))
    assert read["x"].to_list() == expected


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
    "a damaged workbook": ("a.xlsx", zipped(b"x", "[Content_Types].xml", "xl/workbook.xml"), "bad_file", "CSV"),
    "an archive": ("a.zip", zipped(CSV, "a.csv", "b.csv"), "unknown_format", "2 files"),
    "a database": ("a.db", b"SQLite format 3\0" + bytes(84), "unknown_format", "sqlite:///"),
    "a JSON array cut": ("a.json", b'[{"a": 1}, {"a": ', "bad_file", "a JSON array"),
    "Arrow cut": ("a.feather", b"ARROW1\0\0" + bytes(50), "bad_file", "Arrow"),
    "a JSON line cut": ("a.jsonl", b'{"a": 1}\n{"a": 2\n', "bad_file", "line 2"),
    "a JSON line of another kind": ("a.jsonl", b'{"a": 1}\n\n[2]\n', "bad_file", "line 3"),
    "a page": ("a.csv", b"<!DOCTYPE html><title>Sign in</title>\n<p>please, sign in</p>\n", "unknown_format", "page"),
    "no names": ("a.csv", b"0.134,1,x\n0.118,7,y\n", "no_header", "line 1"),
    "no names, with text": ("a.csv", b"39,Private,x\n50,Private,x\n38,State,y\n", "no_header", "line 1"),
    "no names, whole numbers": ("a.csv", b"5,3,5\n5,1,2\n", "no_header", "line 1"),
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
