from __future__ import annotations

import pytest

from mlops_lab.lineage.documents.markdown import escape, write_list, write_table


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain - text (1.5)", "plain - text (1.5)"),
        ("a|b", "a\\|b"),
        ("two\n  lines", "two lines"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("_x_ *y* `z` [a](b)", "\\_x\\_ \\*y\\* \\`z\\` \\[a\\](b)"),
        ("\\|", "\\\\\\|"),
    ],
)
def test_text_is_shown_literally(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_tables_and_lists() -> None:
    assert write_table(["a", "b"], [("x|y", 1)]) == ["| a | b |", "| --- | --- |", "| x\\|y | 1 |", ""]
    assert write_list(["<one>"]) == ["- &lt;one&gt;", ""]
