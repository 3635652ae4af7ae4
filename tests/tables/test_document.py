"""docs/tables.md is what is declared."""

from pathlib import Path

from mlops_lab.tables.declared import TABLES
from mlops_lab.tables.document import render_tables
from mlops_lab.tables.table import FixedColumn

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_page_is_made_from_the_declarations() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_tables(), "run `make schema`"


def test_every_table_and_every_column_is_on_the_page() -> None:
    page = render_tables()
    for table in TABLES:
        section = page.split(f"\n### {table.name}\n")[1].split("\n### ")[0]
        for column in table.columns:
            assert column.meaning in section
            if isinstance(column, FixedColumn):
                assert f"| `{column.name}` |" in section


def test_a_cell_of_the_page_does_not_end_early() -> None:
    rows = [line for line in render_tables().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4, 6}
