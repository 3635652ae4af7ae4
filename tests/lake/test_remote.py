"""A file on a server is read like a local one, downloaded again only when it changed, and within limits."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serve_file

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.lake.batches import read_batches
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.remote import downloaded, drop_downloads, is_remote, mask_address
from mlops_lab.lake.sources import read_data

CSV = b"id,price\na,1.5\nb,2.5\n"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_file(CSV) as running:
        yield running


def address(server: FileServer, name: str = "orders.csv") -> str:
    return f"http://127.0.0.1:{server.port}/{name}"


@pytest.mark.parametrize("content", [CSV, gzip.compress(CSV, mtime=0)], ids=["plain", "compressed"])
def test_it_is_read_like_a_local_file(server: FileServer, content: bytes) -> None:
    server.content = content
    assert read_data(address(server)).rows() == [("a", 1.5), ("b", 2.5)]
    (batch,) = read_batches(address(server), selection=ColumnSelection())
    assert (batch.frame.height, batch.name) == (2, address(server))


def test_it_is_downloaded_again_only_when_it_changed(server: FileServer, tmp_path: Path) -> None:
    for _ in range(2):
        assert read_data(address(server), cache=tmp_path).height == 2
    server.content = CSV + b"c,3.5\n"
    assert read_data(address(server), cache=tmp_path).height == 3
    assert server.answered == [200, 304, 200]
    assert not list(tmp_path.glob(".*")), "no part is left"


def test_a_damaged_copy_is_not_used(server: FileServer, tmp_path: Path) -> None:
    read_data(address(server), cache=tmp_path)
    (copy,) = tmp_path.glob("*.csv")
    copy.write_bytes(CSV.replace(b"1.5", b"9.5"))
    assert read_data(address(server), cache=tmp_path)["price"].to_list() == [1.5, 2.5]
    assert server.answered == [200, 200]


def test_copies_of_other_addresses_and_dead_downloads_are_deleted(server: FileServer, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        read_data(address(server, name), cache=tmp_path)
    dead, alive = tmp_path / ".x.csv.1.part", tmp_path / "x.json.1.new"
    for path in (dead, alive):
        path.touch()
    os.utime(dead, (0, 0))
    drop_downloads(tmp_path, keep=["data/a.csv", address(server, "b.csv")])
    assert not dead.exists()
    assert alive.exists()
    read_data(address(server, "b.csv"), cache=tmp_path)
    assert server.answered == [200, 200, 304]
    assert len(list(tmp_path.glob("*.csv"))) == len(list(tmp_path.glob("*.json"))) == 1
    drop_downloads(tmp_path / "none", keep=[])


def test_an_error_in_the_file_names_the_address(server: FileServer) -> None:
    server.content = b""
    with pytest.raises(InvalidInput) as caught:
        read_data(address(server) + "?signature=s3cr3t")
    assert (caught.value.code, caught.value.where) == ("empty_file", address(server))


def test_a_failed_download_leaves_the_copy_of_before(server: FileServer, tmp_path: Path) -> None:
    read_data(address(server), cache=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    server.content, server.missing_bytes = CSV + b"c,3.5\n", 3
    with pytest.raises(EnvironmentFault) as caught:
        read_data(address(server), cache=tmp_path)
    assert caught.value.code == "download_failed"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_is_too_large_is_refused(server: FileServer) -> None:
    with pytest.raises(InvalidInput) as caught, downloaded(address(server), max_bytes=len(CSV) - 1):
        pass
    assert caught.value.code == "file_too_large"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("http://example.org/orders.csv", "not_encrypted"),
        ("https://me:s3cr3t@example.org/orders.csv", "password_in_uri"),
        ("https://example.org/folder/", "bad_uri"),
        ("https://example.org", "bad_uri"),
        ("s3://bucket", "bad_uri"),
        ("s3://bucket/folder/?s3cr3t", "bad_uri"),
    ],
)
def test_a_wrong_address_is_refused_before_anybody_is_asked(wrong: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_data(wrong)
    assert caught.value.code == code
    assert caught.value.hint
    assert "s3cr3t" not in str(caught.value.as_dict())


def test_what_is_an_address_of_a_file() -> None:
    assert [is_remote(text) for text in ("HTTPS://a/b", "s3://a/b", "a.csv", "sqlite:///a.db")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert mask_address("https://me:pw@host:1/a%20b.csv?key=1#x") == "https://host:1/a%20b.csv"
    assert mask_address("data/a?b.csv") == "data/a?b.csv"
