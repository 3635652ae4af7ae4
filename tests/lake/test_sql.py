"""Queries of a database: the rows, and an error without a password for whatever is wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from data_files import write

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.sources import read_data
from mlops_lab.lake.sql import is_uri


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
        "sqlite:///my shop.db", query=query, root=database.parent, selection=ColumnSelection(rename={"cost": "price"})
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
    "unknown database": ("oracle7://host/db", "select 1", "no_driver", "oracle7 is installed the documentation"),
    "a file on a server": ("ftp://host/orders.csv", "select 1", "remote_file", "download any other"),
    "a query of a file on a server": ("https://me:s3cr3t@host/a.csv?s3cr3t", "select 1", "no_database", "host/a.csv"),
    "no driver": ("mysql+pymysql://host/db", "select 1", "no_driver", "pip install 'pymysql'"),
    "no server": ("postgresql://nobody@127.0.0.1:1/db", "select 1", "database_gone", "127.0.0.1:1"),
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
def test_an_error_says_what_is_wrong_without_a_password(database: Path, kind: str) -> None:
    data, query, code, expected = BAD_QUERIES[kind]
    with pytest.raises(MlopsError) as caught:
        read_data(data, query=query, root=database.parent)
    error = caught.value
    message = f"{error.where} {error.what} {error.hint}"
    assert error.code == code, message
    assert error.hint
    assert expected in message
    assert "s3cr3t" not in message
    assert "s3cr3t" not in "".join(
        map(str, (error.__cause__, error.__context__ if not error.__suppress_context__ else ""))
    )


def test_a_locked_database(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_lab.lake.sql._LOCK_TIMEOUT_SECONDS", 0.1)
    with closing(sqlite3.connect(database)) as other:
        other.execute("begin exclusive")
        with pytest.raises(EnvironmentFault) as caught:
            read_data(f"sqlite:///{database}", query="select * from orders")
    assert caught.value.code == "database_locked"
    assert "run it again" in str(caught.value.hint)


def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    write(tmp_path, "a.db", b"something else entirely" * 100)
    with pytest.raises(InvalidInput) as caught:
        read_data("sqlite:///a.db", query="select 1 from sqlite_master", root=tmp_path)
    assert caught.value.code == "bad_file"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("sqlite:///a.db", True),
        ("postgresql+psycopg://u@h/d", True),
        ("a.csv", False),
        ("C:\\data.csv", False),
        ("", False),
    ],
)
def test_an_address_is_told_from_a_path(data: str, expected: bool) -> None:
    assert is_uri(data) == expected
