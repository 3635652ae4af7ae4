"""Tables drawn with bars and dashes are read as the tables they show."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.drawn import undraw
from mlops_lab.lake.sources import read_data
from mlops_lab.notes import listening

WANTED = pl.DataFrame({"city": ["Oslo", "a, b", None], "n": [1, 22, 3], "x": [0.5, None, -3.25]})
DRAWN = {
    "Markdown": "| city | n | x |\n|:-----|--:|:-:|\n| Oslo | 1 | 0.5 |\n| a, b | 22 | |\n| | 3 | -3.25 |\n",
    "Markdown without bars at the ends": "city | n | x\n--- | --- | ---\nOslo|1|0.5\na, b|22|\n|3|-3.25|\n",
    "psql": " city | n  |   x   \n------+----+-------\n Oslo |  1 |   0.5\n a, b | 22 |      \n      |  3 | -3.25\n(3 rows)\n\n",
    "MySQL": "+------+----+------+\n| city | n  | x |\n+------+----+------+\n| Oslo |  1 | 0.5 |\n| a, b | 22 | NULL |\n"
    "| NULL | 3 | -3.25 |\n+------+----+------+\n3 rows in set (0.00 sec)\n",
    "sqlcmd": "city|n|x\n----|--|---\nOslo|1|0.5\na, b|22|NULL\nNULL|3|-3.25\n\n(3 rows affected)\n",
    "org mode": "| city | n | x |\n|------+---+---|\n| Oslo | 1 | 0.5 |\n| a, b | 22 | |\n| | 3 | -3.25 |\n",
    "windows lines": "| city | n | x |\r\n|---|---|---|\r\n| Oslo | 1 | 0.5 |\r\n| a, b | 22 | |\r\n| | 3 | -3.25 |\r\n",
}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_drawn_table_is_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.txt").write_text(DRAWN[kind], encoding="utf-8", newline="")
    told: list[str] = []
    with listening(told.append):
        assert_frame_equal(read_data(tmp_path / "a.txt"), WANTED)
    assert told == []


def test_text_around_the_table_of_a_markdown_file_is_told(tmp_path: Path) -> None:
    text = f"# Cities, and more\n\nA | B is no table.\n\n{DRAWN['Markdown']}\nThe end.\n"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    told: list[str] = []
    with listening(told.append):
        assert_frame_equal(read_data(tmp_path / "a.md"), WANTED)
    assert [line.partition(": ")[2] for line in told] == ["text below the table is not read (lines: 1)"]


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=5), min_size=2, max_size=2),
        max_size=4,
    )
)
def test_every_cell_survives(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    def write(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"

    rows = [["é", "é"], *(row for row in rows if "\\" not in "".join(row))]
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "a.md").write_text("| a | b |\n|---|---|\n" + "".join(map(write, rows)), encoding="utf-8")
    plain = undraw(folder / "a.md", folder / "a.csv", "a.md")
    read = pl.read_csv(plain, skip_lines=1, infer_schema=False)
    assert [list(row) for row in read.rows()] == rows


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\n| c | d |\n|---|---|\n| 3 | 4 |\n", "line 5"),
        ("+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n| 3 | 4 |\n+---+---+\n", "line 6"),
        ("shape: (1, 2)\n┌─────┬─────┐\n│ a   ┆ b   │\n", "a.md"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        read_data(tmp_path / "a.md")
    assert caught.value.code == "unknown_format"
    assert caught.value.where is not None
    assert caught.value.where.endswith(where)


def test_an_error_names_the_line_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Text\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 1 | 2 | 3 |\n")
    with pytest.raises(InvalidInput) as caught:
        read_data(tmp_path / "a.md")
    assert (caught.value.code, caught.value.where) == ("ragged_rows", f"{tmp_path}/a.md, line 6")


@pytest.mark.parametrize("text", ["a|b\n-|-\n1|2\n", "a,b\n1,2\n---|---\n", "a|b\n1|2\n--|--\n", "a\n---\nb\n"])
def test_other_text_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert undraw(tmp_path / "a.txt", tmp_path / "b", "a.txt") == tmp_path / "a.txt"
