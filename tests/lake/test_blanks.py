"""Tables in columns that blanks separate: rewritten with tabs where they are such tables, and left alone elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.lake.blanks import squeeze_blanks


def squeezed(text: str, folder: Path) -> str:
    (folder / "text").write_text(text, encoding="utf-8")
    return squeeze_blanks(folder / "text", folder / "tabs").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a   b  c\n1   2  x\n10  20 y\n", "a\tb\tc\n1\t2\tx\n10\t20\ty\n"),
        ("   a     b\n   1  3,5\n", "a\tb\n1\t3,5\n"),
        ("# made by a tool\na   b\n1   2\n", "# made by a tool\na\tb\n1\t2\n"),
        ("a   b   \n1   2   \n", "a\tb\n1\t2\n"),
    ],
)
def test_blanks_between_cells_become_one_tab(text: str, expected: str, tmp_path: Path) -> None:
    assert squeezed(text, tmp_path) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a b c\n1 2 3\n",
        "a,  b\n1,  2\n",
        "name   comment\nx   two words\n",
        'a   b\n"x  y"   2\n',
        "alone\n 1\n 2\n",
    ],
)
def test_other_text_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    assert squeezed(text, tmp_path) == text
