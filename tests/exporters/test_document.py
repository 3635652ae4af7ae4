"""docs/tools.md is what the list of exporters says."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.catalog import EXPORTERS
from mlops_lab.exporters.document import render_tools

PAGE = Path(__file__).parents[2] / "docs" / "tools.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_tools(), "run `make schema`"


def test_every_tool_has_a_row_with_its_words() -> None:
    rows = [line for line in render_tools().splitlines() if line.startswith("| `")]
    assert len(rows) == len(EXPORTERS)
    for row, tool in zip(rows, EXPORTERS, strict=True):
        assert row.count(" | ") == 4, "no cell has a bar in it"
        assert all(words in row for words in (tool.name, tool.summary, tool.read_by, tool.said, tool.unchecked))
