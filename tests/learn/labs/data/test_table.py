"""Rows that lie in the folder of a lab."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_tables import make_examples

from mlops_lab.errors import InvalidInput
from mlops_lab.learn.labs.data.table import TableData, read_table, write_table


def test_they_are_read_as_they_were_written_and_damage_is_one_error(tmp_path: Path) -> None:
    own = make_examples()[1]
    assert isinstance(own, TableData)
    write_table(tmp_path / "data", own)
    read = read_table(tmp_path / "data")
    assert read.layout == own.layout
    assert [case.values for case in read.cases(2, 3)] == [case.values for case in own.cases(2, 3)]
    assert read.hidden(7, 1) == read.cases(7, 1)
    for file in ("rows.parquet", "layout.json"):
        content = (tmp_path / "data" / file).read_bytes()
        (tmp_path / "data" / file).write_bytes(b"{")
        with pytest.raises(InvalidInput, match="cannot be read") as caught:
            read_table(tmp_path / "data")
        assert "start the lab again" in (caught.value.hint or "")
        (tmp_path / "data" / file).write_bytes(content)
