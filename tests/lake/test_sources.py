"""Data of every format is read as the same table; what cannot be read is told with its place, and read by nobody."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.lake.batches import read_batches
from mlops_lab.lake.columns import Wanted
from mlops_lab.lake.shape import check_shape
from mlops_lab.lake.sources import read_data, read_still
from mlops_lab.lake.unpack import unpacked

FRAME = pl.DataFrame(
    {
        "city": ["Köln", 'say "hi"', "a; b, c", None],
        "n": [1, -2, None, 4],
        "x": [0.5, 1.0, None, -3.25],
        "ok": [True] * 4,
    }
)
CSV = FRAME.write_csv().encode()


def zipped(content: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def as_parquet() -> bytes:
    file = io.BytesIO()
    FRAME.write_parquet(file)
    return file.getvalue()


FORMATS: dict[str, tuple[str, bytes]] = {
    "comma": ("a.csv", CSV),
    "no ending": ("data", CSV),
    "semicolon": ("a.csv", FRAME.write_csv(separator=";").encode()),
    "tab": ("a.tsv", FRAME.write_csv(separator="\t").encode()),
    "bar": ("a.txt", FRAME.write_csv(separator="|").encode()),
    "all quoted": ("a.csv", FRAME.write_csv(quote_style="always", null_value="NA").replace('"NA"', "").encode()),
    "single quotes": (
        "a.csv",
        b"'city';'n';'x';'ok'\nK\xc3\xb6ln;1;0.5;true\n'say \"hi\"';-2;1.0;true\n'a; b, c';;;true\n;4;-3.25;true\n",
    ),
    "windows lines": ("a.csv", CSV.replace(b"\n", b"\r\n")),
    "old mac lines": ("a.csv", CSV.replace(b"\n", b"\r")),
    "no last newline": ("a.csv", CSV.rstrip(b"\n")),
    "blank lines": ("a.csv", CSV.replace(b"\n", b"\n\n") + b"\r\n\n"),
    "marked UTF-8": ("a.csv", b"\xef\xbb\xbf" + CSV),
    "UTF-16": ("a.csv", CSV.decode().encode("utf-16")),
    "UTF-16 without a mark": ("a.csv", CSV.decode().encode("utf-16-le")),
    "the other UTF-16": ("a.csv", CSV.decode().encode("utf-16-be")),
    "Windows-1252": ("a.csv", CSV.decode().encode("cp1252")),
    "gzip": ("a.csv.gz", gzip.compress(CSV)),
    "bzip2": ("a.csv.bz2", bz2.compress(CSV)),
    "xz": ("a.csv.xz", lzma.compress(CSV)),
    "zip": ("a.zip", zipped(CSV, "inner.csv")),
    "Zstandard": ("a.csv.zst", pa.compress(CSV, codec="zstd", asbytes=True)),
    "gzip by another name": ("a.csv", gzip.compress(CSV.decode().encode("cp1252"))),
    "Parquet": ("a.parquet", as_parquet()),
    "Parquet by no name": ("a", as_parquet()),
    "JSON lines": ("a.jsonl", FRAME.write_ndjson().encode()),
    "JSON lines, packed": ("a.jsonl.gz", gzip.compress(FRAME.write_ndjson().encode())),
    "a path with spaces": ("my data (1).csv", CSV),
    "marks of missing values": ("a.csv", CSV.replace(b",,", b",n/a,").replace(b"n/a,,", b"n/a,NULL,")),
}


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_the_same_table(tmp_path: Path, kind: str) -> None:
    name, content = FORMATS[kind]
    write(tmp_path, name, content)
    assert_frame_equal(read_data(name, root=tmp_path).rename(str.strip), FRAME)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_some_rows_at_a_time_are_the_same_table(tmp_path: Path, kind: str, rows: int) -> None:
    name, content = FORMATS[kind]
    path = write(tmp_path, name, content)
    wanted = Wanted(frozenset({"city"}), only=frozenset({"city", "x"}))
    batches = list(read_batches(path, wanted=wanted, rows=rows))
    frames = [batch.frame.select("city", pl.col("x").cast(pl.Float64)) for batch in batches]
    assert_frame_equal(pl.concat(frames), FRAME.select("city", "x"))
    assert max(frame.height for frame in frames) <= rows
    assert [batch.first for batch in batches] == [sum(one.height for one in frames[:n]) for n in range(len(frames))]
    assert {tuple(map(str.strip, batch.names)) for batch in batches} == {tuple(FRAME.columns)}
    assert {batch.of for batch in batches} <= {4, None}


def test_batches_of_folders_and_delta_tables(tmp_path: Path) -> None:
    parts, table = tmp_path / "parts", tmp_path / "ä table"
    parts.mkdir()
    write(parts, "b.csv", b"n,x,more\n3,,1\n")
    write(parts, "a.csv.gz", gzip.compress(b"x,n\n0.5,1\n1,2\n"))
    wanted = Wanted(frozenset(), only=frozenset({"n", "x"}))
    found = [
        (Path(batch.name).name, batch.first, batch.frame["n"].to_list()) for batch in read_batches(parts, wanted=wanted)
    ]
    assert found == [("a.csv.gz", 0, [1, 2]), ("b.csv", 0, [3])]
    FRAME.write_delta(str(table))
    assert_frame_equal(pl.concat(one.frame for one in read_batches(table, wanted=Wanted(), rows=2)), FRAME)


def test_a_field_may_be_left_out_of_a_json_line_in_batches(tmp_path: Path) -> None:
    long = b"." * 200
    lines = b"".join(b'{"n":%d%s,"p":"%s"}\n' % (n, b',"x":0.5' if n == 9 else b"", long) for n in range(50_000))
    wanted = Wanted(frozenset(), only=frozenset({"n", "x"}))
    found = list(read_batches(write(tmp_path, "a.jsonl", lines), wanted=wanted, rows=100_000))
    assert pl.concat((one.frame for one in found), how="diagonal")["n"].to_list() == list(range(50_000))
    assert [(one.omits, one.names) for one in found] == [(True, ["n", "x", "p"]), (True, ["n", "p"])]


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    write(tmp_path, "b.csv", b"n,x\n3,\n")
    write(tmp_path, "a.csv.gz", gzip.compress(b"x,n\n0.5,1\n1,2\n"))
    write(tmp_path, "_SUCCESS", b"")
    write(tmp_path, ".hidden", b"?")
    assert read_data(tmp_path).to_dict(as_series=False) == {"x": [0.5, 1.0, None], "n": [1, 2, 3]}


def test_a_delta_table_is_a_folder_too(tmp_path: Path) -> None:
    FRAME.write_delta(str(tmp_path / "a table"))
    assert_frame_equal(read_data("a table", root=tmp_path), FRAME)


def test_what_the_columns_are_called_and_which_are_wanted(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b",sepal length (cm), id \n0,5.1,007\n1,4.9,010\n")
    wanted = Wanted(frozenset({"name"}), {"sepal length (cm)": "length", "id": "name"}, frozenset({"column_1"}))
    assert read_data(path, wanted=wanted).to_dict(as_series=False) == {"length": [5.1, 4.9], "name": ["007", "010"]}
    FRAME.write_parquet(tmp_path / "a.parquet")
    wanted = Wanted(rename={"n": "number"}, skip=frozenset({"x", "ok"}))
    assert read_data(tmp_path / "a.parquet", wanted=wanted).columns == ["city", "number"]


def test_what_looks_like_a_number_and_is_none(tmp_path: Path) -> None:
    content = b'zip,long,late,date,price\n01067,12345678901234567890123,1,2024-01-02,"1,234.5"\n99999,1,x,NULL,7\n'
    frame = read_data(write(tmp_path, "a.csv", content))
    assert frame["zip"].to_list() == ["01067", "99999"]
    assert frame["long"].to_list() == ["12345678901234567890123", "1"]
    assert frame["late"].to_list() == ["1", "x"]
    assert frame["price"].to_list() == ["1,234.5", "7"]
    declared = read_data(tmp_path / "a.csv", wanted=Wanted(frozenset({"long", "late", "price"})))
    assert declared["zip"].to_list() == [1067, 99999], "declared, and not as text"
    assert declared["date"].to_list() == ["2024-01-02", None]


def test_types_that_only_show_after_many_rows(tmp_path: Path) -> None:
    rows = "".join(f"{n},,{n}\n" for n in range(20_000))
    frame = read_data(write(tmp_path, "a.csv", f"a,b,c\n{rows}0.5,7,x\n".encode()))
    assert frame.dtypes == [pl.Float64, pl.Int64, pl.String]
    assert frame.row(-1) == (0.5, 7, "x")
    batches = [one.frame for one in read_batches(tmp_path / "a.csv", wanted=Wanted(frozenset()), rows=6000)]
    assert [one.height for one in batches] == [6000, 6000, 6000, 2001], "no row is read twice, or lost"
    assert pl.concat(batches, how="vertical_relaxed")["a"].to_list() == [float(n) for n in range(20_000)] + [0.5]
    assert batches[-1].row(-1) == (0.5, 7, "x")


def test_a_quote_within_a_field_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b'n,what\n1,5" pipe\n2,6" pipe\n3,7" and 8" pipe\n')
    assert read_data(path)["what"].to_list() == ['5" pipe', '6" pipe', '7" and 8" pipe']


def test_spaces_after_separators_are_none_of_the_values(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"age, class, pay\n39, a b, >50K\n40, c, <=50K\n")
    frame = read_data(path)
    assert frame.columns == ["age", "class", "pay"]
    assert frame["pay"].to_list() == [">50K", "<=50K"]


def test_thousands_of_columns(tmp_path: Path) -> None:
    width = 5000
    text = ",".join(f"gene_{n}" for n in range(width)) + "\n" + (",".join(["0.5"] * width) + "\n") * 20
    assert read_data(write(tmp_path, "a.csv", text.encode())).shape == (20, width)


def test_dtypes_of_other_tools_become_plain_ones(tmp_path: Path) -> None:
    frame = pl.DataFrame({"c": pl.Series(["a", None], dtype=pl.Categorical), "d": [1, 2], "f": [float("nan"), 1.0]})
    frame.with_columns(pl.col("d").cast(pl.Decimal(10, 2))).write_parquet(tmp_path / "a.parquet")
    read = read_data(tmp_path / "a.parquet")
    assert read.dtypes == [pl.String, pl.Float64, pl.Float64]
    assert read["f"].to_list() == [None, 1.0]


# ---- databases ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "my shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table orders (id integer, name text, price real, at text, odd)")
        rows = [
            (n, f"item {n}", n / 2 if n else None, "2024-01-02 03:04:05", "x" if n == 70_000 else n)
            for n in range(70_001)
        ]
        connection.executemany("insert into orders values (?, ?, ?, ?, ?)", rows)
        connection.commit()
    return path


def test_a_query_of_sqlite(database: Path) -> None:
    query = "select id, name, price as cost, count(*) over () as 'all' from orders where name like 'item%' and at > '2024-01-01 00:00:00'"
    frame = read_data(
        "sqlite:///my shop.db", query=query, root=database.parent, wanted=Wanted(rename={"cost": "price"})
    )
    assert frame.schema == {"id": pl.Int64, "name": pl.String, "price": pl.Float64, "all": pl.Int64}
    assert frame.height == 70_001
    assert frame["price"].null_count() == 1
    assert read_data(f"sqlite:///{database}", query="select id from orders limit 3")["id"].to_list() == [0, 1, 2]


BAD_QUERIES: dict[str, tuple[str, str | None, str, str]] = {
    "no query": ("sqlite:///my shop.db", None, "no_query", "--query"),
    "not there": ("sqlite:///other.db", "select 1", "no_file", "other.db"),
    "no such table": ("sqlite:///my shop.db", "select * from nowhere", "bad_query", "no such table: nowhere"),
    "no select": ("sqlite:///my shop.db", "delete from orders", "bad_query", "readonly"),
    "no rows": ("sqlite:///my shop.db", "select * from orders where id < 0", "no_rows", "no rows"),
    "same name twice": ("sqlite:///my shop.db", "select id, id from orders", "duplicate_column", '"id"'),
    "mixed types": ("sqlite:///my shop.db", "select odd from orders", "mixed_types", "odd"),
    "mixed types near each other": (
        "sqlite:///my shop.db",
        "select odd from orders where id > 69998",
        "mixed_types",
        "row 1",
    ),
    "unknown database": ("oracle7://host/db", "select 1", "no_driver", "oracle7"),
    "no driver": ("mysql+pymysql://host/db", "select 1", "no_driver", "pip install 'pymysql'"),
    "nobody there": ("postgresql://nobody@127.0.0.1:1/db", "select 1", "database_gone", "127.0.0.1:1"),
    "password": ("postgresql://me:s3cr3t@host/db", "select 1", "password_in_uri", "PGPASSWORD"),
    "password elsewhere": ("postgresql://me@host/db?password=s3cr3t", "select 1", "password_in_uri", "PGPASSWORD"),
    "password with an @": ("mysql://me:s3cr3t@x@host:1/db", "select 1", "password_in_uri", "PGPASSWORD"),
    "not an address": ("postgresql://me:s3cr3t@host:port/db", "select 1", "bad_uri", "sqlite:///file.db"),
    "not an address, with a slash": (
        "postgresql://me:s3cr3t/x@host:port/db",
        "select 1",
        "bad_uri",
        "sqlite:///file.db",
    ),
    "a query of a file": ("a.csv", "select 1", "no_database", "a.csv"),
}


@pytest.mark.parametrize("kind", BAD_QUERIES)
def test_a_bad_query_is_told_without_a_password(database: Path, kind: str) -> None:
    data, query, code, told = BAD_QUERIES[kind]
    with pytest.raises(MlopsError) as caught:
        read_data(data, query=query, root=database.parent)
    error = caught.value
    said = f"{error.where} {error.what} {error.hint}"
    assert error.code == code, said
    assert error.hint
    assert told in said
    assert "s3cr3t" not in said
    assert "s3cr3t" not in "".join(
        map(str, (error.__cause__, error.__context__ if not error.__suppress_context__ else ""))
    )


def test_a_locked_database(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_lab.lake.sql._WAIT_SECONDS", 0.1)
    with closing(sqlite3.connect(database)) as other:
        other.execute("begin exclusive")
        with pytest.raises(EnvironmentFault) as caught:
            read_data(f"sqlite:///{database}", query="select * from orders")
    assert caught.value.code == "database_locked"
    assert "run it again" in str(caught.value.hint)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    write(tmp_path, "a.db", b"something else entirely" * 100)
    with pytest.raises(InvalidInput) as caught:
        read_data("sqlite:///a.db", query="select 1 from sqlite_master", root=tmp_path)
    assert caught.value.code == "bad_file"


# ---- bad files ---------------------------------------------------------------------------------------------------------

FAT = bz2.compress(b"1,2\n" * (30 * 2**20))
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
    "neither encoding": ("a.csv", b"a,b\n1,caf\xe9\n2,\x81\n", "bad_encoding", "line 3"),
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
    "a bomb": ("a.csv.bz2", FAT, "compression_bomb", "grow to more"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_told_with_its_place(tmp_path: Path, kind: str) -> None:
    name, content, code, told = BAD_FILES[kind]
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = write(folder, name, content)
    with pytest.raises(InvalidInput) as caught:
        read_data(path)
    error = caught.value
    assert error.code == code, error
    assert str(path) in str(error.where)
    assert told in f"{error.where} {error.what} {error.hint}"
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
def test_a_folder_of_unlike_files(tmp_path: Path, kind: str) -> None:
    files, code, told = BAD_FOLDERS[kind]
    for name, content in files.items():
        write(tmp_path, name, content)
    with pytest.raises(InvalidInput) as caught:
        read_data(tmp_path)
    assert caught.value.code == code
    assert told in f"{caught.value.where} {caught.value.what}"


def test_nothing_there_and_a_folder_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        read_data("nowhere.csv", root=tmp_path)
    (tmp_path / "data/inner").mkdir(parents=True)
    with pytest.raises(InvalidInput, match='the folder "inner"'):
        read_data("data", root=tmp_path)
    (tmp_path / "table/_delta_log").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="a Delta table"):
        read_data("table", root=tmp_path)


def test_a_file_may_not_grow_beyond_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path, "a.gz", gzip.compress(b"x" * 3_000_000))
    with pytest.raises(InvalidInput) as caught, unpacked(path, max_bytes=2_000_000):
        pass
    assert caught.value.code == "compression_bomb"


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

    assert read_still(stamp, reader(1), "a.csv")["a"].to_list() == [1, 2], "the second time"
    with pytest.raises(InvalidInput) as caught:
        read_still(stamp, reader(9), "a.csv")
    assert caught.value.code == "file_changes"


def test_infinity_is_read_for_the_contract_to_judge(tmp_path: Path) -> None:
    frame = read_data(write(tmp_path, "a.csv", b"a\n1.5\ninf\n-inf\nnan\n"))
    assert frame["a"].to_list() == [1.5, float("inf"), float("-inf"), None]


def test_moments_of_parquet_stay_what_they_are(tmp_path: Path) -> None:
    at = datetime(2024, 1, 2, 3, tzinfo=UTC)
    pl.DataFrame({"at": [at], "day": [at.date()]}).write_parquet(tmp_path / "a.parquet")
    assert read_data(tmp_path / "a.parquet").row(0) == (at, at.date())


cells = st.text(st.sampled_from('ab,;"\n \r'), max_size=4)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=8))
def test_the_shape_is_what_csv_says_it_is(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    """Rows as the csv module writes them pass if, and only if, all have the width of the first."""
    import csv

    path = tmp_path_factory.mktemp("shape") / "a.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    width = len(rows[0])
    fits = all(len(row) == width for row in rows)
    try:
        assert check_shape(path, "a.csv", width=width, separator=",", quote='"') == (len(rows) - 1, [])
    except InvalidInput as error:
        assert not fits
        bad = next(place for place, row in enumerate(rows) if len(row) != width)
        line = 1 + sum(1 + sum(cell.count("\n") for cell in row) for row in rows[:bad])
        assert error.where == f"a.csv, line {line}"
    else:
        assert fits
