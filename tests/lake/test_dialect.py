"""The dialect of a delimited file: separator, quote, header."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from data_files import write
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.dialect import SEPARATORS, Dialect, find_dialect


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n", Dialect(",", None, ["a", "b"], padded=False)),
        (b"a;b\n1,5;2,5\n1,5;2,5\n", Dialect(";", None, ["a", "b"], padded=False)),
        (b'a\tb\n1\t"2"\n', Dialect("\t", '"', ["a", "b"], padded=False)),
        (b"a| b\n1| 2\n", Dialect("|", None, ["a", " b"], padded=True)),
        (b"'a','b'\n'1','2'\n", Dialect(",", "'", ["a", "b"], padded=False)),
        (b'a,b\n5" pipe,2\n', Dialect(",", None, ["a", "b"], padded=False)),
        (b"a\n1\n", Dialect(",", None, ["a"], padded=False)),
        (b'\xef\xbb\xbf"a",b\n1,2\n', Dialect(",", '"', ["a", "b"], padded=False)),
    ],
)
def test_the_dialect_by_example(tmp_path: Path, content: bytes, expected: Dialect) -> None:
    assert find_dialect(write(tmp_path, "a.csv", content), "a.csv") == expected


names = st.lists(st.text("abcxyz", min_size=1, max_size=4), min_size=2, max_size=5)


@given(names, st.sampled_from(SEPARATORS), st.integers(1, 4))
def test_the_separator_of_a_written_file_is_found(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], separator: str, rows: int
) -> None:
    path = tmp_path_factory.mktemp("dialect") / "a.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([header, *([["1"] * len(header)] * rows)])
    assert find_dialect(path, "a.csv") == Dialect(separator, '"', header, padded=False)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b" \n \n", "empty_file"), (b"\na,b\n", "no_header"), (b",\n1,2\n", "no_header")],
)
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_dialect(write(tmp_path, "a.csv", content), "a.csv")
    assert caught.value.code == code
    assert caught.value.hint
