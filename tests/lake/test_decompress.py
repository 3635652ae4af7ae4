"""Compressed files: their content, within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pyarrow as pa
import pytest
from data_files import write, zipped

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.decompress import compression_of, decompressed


def test_content_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.gz", gzip.compress(b"x" * 3_000_000))
    with pytest.raises(InvalidInput) as caught, decompressed(path, max_bytes=2_000_000):
        pass
    assert caught.value.code == "compression_bomb"


TEXT = b"a,b\n1,2\n" * 100
COMPRESSED = {
    "gzip": gzip.compress(TEXT),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "Zstandard": pa.compress(TEXT, codec="zstd", asbytes=True),
    "zip": zipped(TEXT, "a.csv"),
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_the_content_of_every_compression(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "any name", COMPRESSED[kind])
    assert compression_of(path) == kind
    with decompressed(path) as content:
        assert content.read_bytes() == TEXT
    assert not content.exists()


def test_a_file_that_is_not_compressed_is_not_copied(tmp_path: Path) -> None:
    path = write(tmp_path, "a.gz", TEXT)
    assert compression_of(path) is None
    with decompressed(path) as content:
        assert content == path
    assert path.exists()


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_file_that_is_cut_off_is_damaged(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "a", COMPRESSED[kind][:-12])
    with pytest.raises(InvalidInput) as caught, decompressed(path):
        pass
    assert caught.value.code == "bad_file"
    assert kind in caught.value.what


@pytest.mark.parametrize(
    ("names", "what"),
    [(["a.csv", "b.csv"], "contains 2 files"), (["a.csv", "b.csv", "c.csv"], "contains 3 files")],
)
def test_an_archive_must_contain_one_table(tmp_path: Path, names: list[str], what: str) -> None:
    with pytest.raises(InvalidInput, match=what), decompressed(write(tmp_path, "a.zip", zipped(TEXT, *names))):
        pass


@pytest.mark.parametrize("member", ["[Content_Types].xml", "mimetype"])
def test_a_workbook_is_a_file_of_its_own_and_not_unpacked(tmp_path: Path, member: str) -> None:
    path = write(tmp_path, "a.xlsx", zipped(b"x", member, "xl/workbook.xml"))
    with decompressed(path) as plain:
        assert plain == path
