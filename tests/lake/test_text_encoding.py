"""Text of any supported encoding becomes UTF-8 with newlines."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_files import write
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.text_encoding import as_utf8
from mlops_lab.notes import listening

LETTERS = "abc,;0189\n äöüßéñ"


@given(st.text(LETTERS, min_size=1, max_size=30), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_text_is_the_same_in_every_encoding(tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str) -> None:
    folder = tmp_path_factory.mktemp("text")
    text = f"name,value\n{text}"
    declared = encoding if encoding == "cp1252" else None
    path = as_utf8(write(folder, "a.csv", text.encode(encoding)), "a.csv", folder / "converted", declared=declared)
    assert path.read_text("utf-8-sig") == text


CITIES = {
    "ru": "Москва Казань Омск",
    "zh": "北京 上海 广州",
    "pl": "Łódź Gdańsk Poznań",
    "cz": "Plzeň Ústí České",
    "fr": "Orléans Besançon Nîmes",
    "ja": "東京 大阪 京都",
}


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        *(("ru", encoding) for encoding in ("cp1251", "koi8-r", "cp866", "utf-16", "utf-16-le")),
        *(("zh", encoding) for encoding in ("gbk", "gb18030", "utf-16")),
        *(("pl", encoding) for encoding in ("cp1250", "iso8859-2")),
        *(("cz", encoding) for encoding in ("cp1250", "iso8859-2")),
        *(("fr", encoding) for encoding in ("cp1252", "utf-16-be")),
        ("ja", "cp932"),
    ],
)
def test_text_of_few_words_is_read_and_the_guess_is_told(tmp_path: Path, words: str, encoding: str) -> None:
    ascii_only = "name,n\n" + "Bonn,1\n" * 2000
    text = ascii_only + "".join(f"{word},{n}\n" for n, word in enumerate(CITIES[words].split() * 50))
    notes: list[str] = []
    with listening(notes.append):
        path = as_utf8(write(tmp_path, "a.csv", text.encode(encoding)), "a.csv", tmp_path / "converted")
    assert path.read_text("utf-8-sig") == text
    assert ["--encoding" in note for note in notes] == ([] if encoding.startswith("utf") else [True])


def test_the_declared_encoding_counts_except_for_utf_8(tmp_path: Path) -> None:
    text = "a\né\n"
    for encoding, declared in [("cp1252", "latin-1"), ("cp850", "cp850"), ("utf-8", "cp1251"), ("utf-16", "cp1252")]:
        file = write(tmp_path, f"{encoding}.csv", text.encode(encoding))
        assert as_utf8(file, "a.csv", tmp_path / "converted", declared=declared).read_text("utf-8-sig") == text
    escapes = write(tmp_path, "b.csv", "a\n東京\n".encode("iso2022_jp"))
    assert as_utf8(escapes, "b.csv", tmp_path / "converted", declared="iso2022_jp").read_text() == "a\n東京\n"
    with pytest.raises(InvalidInput, match="not an encoding"):
        as_utf8(escapes, "b.csv", tmp_path / "converted", declared="klingon")
    with pytest.raises(InvalidInput, match="is not ASCII"):
        as_utf8(write(tmp_path, "c.csv", b"a\n\xe9\n"), "c.csv", tmp_path / "converted", declared="ascii")


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
        ("a\nb\n".encode("utf-16")[:-1], "bad_encoding", "a.csv, line 2"),
        (bytes(range(256)), "unknown_format", "a.csv"),
    ],
)
def test_a_byte_of_no_encoding_is_named_with_its_line(tmp_path: Path, content: bytes, code: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        as_utf8(write(tmp_path, "a.csv", content), "a.csv", tmp_path / "converted")
    assert (caught.value.code, caught.value.where) == (code, where)
