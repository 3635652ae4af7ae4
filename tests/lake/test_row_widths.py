"""Rows of another width than the header's are found, with their line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.row_widths import check_row_widths

cells = st.text(st.sampled_from('ab,;"\n \r'), max_size=4)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=8))
def test_rows_are_as_wide_as_the_csv_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Rows as the csv module writes them pass if, and only if, all have the width of the first."""
    path = tmp_path_factory.mktemp("rows") / "a.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    width = len(rows[0])
    fits = all(len(row) == width for row in rows)
    try:
        assert check_row_widths(path, "a.csv", width=width, separator=",", quote='"') == (len(rows) - 1, [])
    except InvalidInput as error:
        assert not fits
        bad = next(index for index, row in enumerate(rows) if len(row) != width)
        line = 1 + sum(1 + sum(cell.count("\n") for cell in row) for row in rows[:bad])
        assert error.where == f"a.csv, line {line}"
    else:
        assert fits


def counts(path: Path, content: bytes, quote: str | None = '"') -> tuple[int, list[int]]:
    path.write_bytes(content)
    return check_row_widths(path, "a.csv", width=2, separator=",", quote=quote)


def test_rows_and_blank_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert counts(path, b"a,b\n1,2\n\r\n3,4") == (3, [1])
    assert counts(path, b'a,b\n"1\n,",2\n') == (1, [])
    assert counts(path, b'a,b\n5" pipe,2\n', quote=None) == (1, [])


@pytest.mark.parametrize(
    ("content", "line"), [(b"a,b\n1,2,3\n", 2), (b'a,b\n"1\n\n",2\n3\n', 5), (b"a,b\n1,2\n3", 3), (b'a,b\n1,"2\n', 2)]
)
def test_a_row_of_another_width_is_named_in_whatever_block_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, line: int
) -> None:
    for block_bytes in (1, 3, 5, 100):
        monkeypatch.setattr("mlops_lab.lake.row_widths._BLOCK_BYTES", block_bytes)
        with pytest.raises(InvalidInput) as caught:
            counts(tmp_path / "a.csv", content)
        assert caught.value.where == f"a.csv, line {line}"
