"""Text of any supported encoding becomes UTF-8 with newlines."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_files import write
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.text_encoding import as_utf8

LETTERS = "abc,;0189\n äöüßéñ"


@given(st.text(LETTERS, min_size=1, max_size=30), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_text_is_the_same_in_every_encoding(tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str) -> None:
    folder = tmp_path_factory.mktemp("text")
    text = f"name,value\n{text}"
    path = as_utf8(write(folder, "a.csv", text.encode(encoding)), "a.csv", folder / "converted")
    assert path.read_text("utf-8-sig") == text


def test_utf_8_is_not_copied_and_other_text_is(tmp_path: Path) -> None:
    plain = write(tmp_path, "a.csv", "a\nö\n".encode())
    assert as_utf8(plain, "a.csv", tmp_path / "converted") == plain
    assert not (tmp_path / "converted").exists()
    other = write(tmp_path, "b.csv", "a\nö\n".encode("cp1252"))
    assert as_utf8(other, "b.csv", tmp_path / "converted") == tmp_path / "converted"


def test_lines_that_end_in_carriage_returns_get_newlines(tmp_path: Path) -> None:
    path = as_utf8(write(tmp_path, "a.csv", b"a,b\r1,2\r"), "a.csv", tmp_path / "converted")
    assert path.read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        ("a\né\n".encode() + b"\xe9\n", "bad_encoding", "a.csv, line 3"),
        (b"a\nb\n\xe9\x81\n", "bad_encoding", "a.csv, line 3"),
        ("a\nb\n".encode("utf-16")[:-1], "bad_encoding", "a.csv, line 2"),
        (bytes(range(256)), "unknown_format", "a.csv"),
    ],
)
def test_a_byte_of_no_encoding_is_named_with_its_line(tmp_path: Path, content: bytes, code: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        as_utf8(write(tmp_path, "a.csv", content), "a.csv", tmp_path / "converted")
    assert (caught.value.code, caught.value.where) == (code, where)
