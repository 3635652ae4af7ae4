"""Rows with the same key are in one division, in their order."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlops_lab.lake.key_parts import KeyParts


def test_each_row_is_in_one_division_with_those_of_its_key(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": [0.0, -0.0, 1.0, None, 1.0, None] * 50, "b": list("xyz") * 100, "n": range(300)})
    parts = KeyParts(tmp_path / "parts", ["a", "b"], divisions=4)
    for part in rows.iter_slices(7):
        parts.add(part)
    divisions = [parts.take(number) for number in range(4)]
    assert pl.concat(divisions).sort("n").equals(rows)
    assert all(division["n"].is_sorted() for division in divisions)
    keys = [division.select("a", "b").unique() for division in divisions]
    assert sum(found.height for found in keys) == pl.concat(keys).unique().height
    assert sum(division.height > 0 for division in divisions) > 1
    assert not any(file.is_file() for file in tmp_path.rglob("*"))
