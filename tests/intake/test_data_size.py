"""Large data is known by its rows and columns, or by its bytes, before it is read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from mlops_lab.intake import data_size
from mlops_lab.intake.data_size import DataSize, data_stamps, measure_data
from mlops_lab.project import Project


def test_rows_of_parquet_and_delta_and_bytes_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = cast("Project", cast("Any", SimpleNamespace(root=tmp_path)))
    rows = pl.DataFrame({"a": range(10), "b": range(10)})
    (tmp_path / "folder").mkdir()
    for name in ("folder/1", "folder/2", "file"):
        rows.write_parquet(tmp_path / name)
    rows.write_delta(tmp_path / "delta")
    (tmp_path / "text.csv").write_text("x" * 30)
    assert measure_data(project, "file") == measure_data(project, "delta") == DataSize(10, 20, 0)
    assert measure_data(project, "folder") == DataSize(20, 40, 0)
    assert measure_data(project, "text.csv") == DataSize(0, 0, 30)
    (tmp_path / "lines").write_text('{"a": 1}\n')
    assert measure_data(project, "lines") == DataSize(json_bytes=9)
    (tmp_path / "empty").mkdir()
    for name in ("none", "", "empty", "https://host/x.csv", "sqlite:///x.db"):
        assert measure_data(project, name) == DataSize()
    monkeypatch.setattr(data_size, "MOST_CELLS", 39)
    monkeypatch.setattr(data_size, "MOST_TEXT_BYTES", 30)
    assert [measure_data(project, name).is_large for name in ("file", "folder", "text.csv")] == [False, True, False]


def test_stamps_change_with_a_file_and_are_known_of_files_here_alone(small: Any) -> None:
    data = small.project.root / small.project.settings.source.data
    before = data_stamps(small.project)
    assert before is not None
    assert data_stamps(small.project) == before
    data.write_bytes(data.read_bytes() + b"\n")
    assert data_stamps(small.project) not in (None, before)
    data.unlink()
    assert data_stamps(small.project) is None
