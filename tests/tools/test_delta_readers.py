"""The project's tables, read by engines of others: the same rows, with the same values."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tool_runs import PEERS, run
from webhook import skip_without

from mlops_lab.lake import Lake
from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]

READER = Path(__file__).parent / "ask_delta.py"


def ask(folder: Path) -> dict[str, list[dict[str, str | None]]]:
    skip_without("delta", is_there=(PEERS / "delta" / "bin" / "python").exists(), install="make peers")
    found: dict[str, Any] = json.loads(run(["python", str(READER), str(folder)], folder, tool="delta").stdout)
    assert found.keys() == {"duckdb", "spark"}
    return found


def compare(rows: list[dict[str, str | None]], frame: pl.DataFrame) -> None:
    """Columns, rows, and in each column the values: text and whole numbers as they are, the others as what they mean."""
    assert rows
    assert set(rows[0]) == set(frame.columns)
    for column in frame.iter_columns():
        texts = pl.Series([row[column.name] for row in rows], dtype=pl.String)
        assert Counter(read_as(texts, column.dtype)) == Counter(column.to_list()), column.name


def read_as(texts: pl.Series, kind: pl.DataType) -> list[Any]:
    """The values that the texts stand for."""
    if isinstance(kind, pl.Datetime):
        plain = texts.str.replace(r"\+00(:00)?$", "")
        return plain.str.to_datetime(time_unit="us", time_zone="UTC", strict=True).to_list()
    if kind == pl.Boolean:
        return (texts == "true").to_list()
    return texts.cast(kind, strict=True).to_list()


@pytest.mark.parametrize("table", ["parcels", "decisions"])
def test_tables_of_a_project(table: str, live_project: Project) -> None:
    lake = Lake(live_project.lake_path)
    for rows in ask(lake.table_path(table)).values():
        compare(rows, lake.read(table))


def test_a_table_that_was_rewritten(tmp_path: Path) -> None:
    """Appended twice, with a new column; then some rows were deleted."""
    lake = Lake(tmp_path)
    lake.append("orders", pl.DataFrame({"id": ["a", "b"], "price": [1.5, None]}), position=("test", 1))
    lake.append(
        "orders", pl.DataFrame({"id": ["c", "ü"], "price": [2.5, 3.5], "late": [True, False]}), position=("test", 2)
    )
    lake.delete("orders", "id = 'b'")
    assert lake.read("orders").height == 3
    for rows in ask(lake.table_path("orders")).values():
        compare(rows, lake.read("orders"))
