"""What loading takes is told before a row is read, and refused where it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake import data_size
from mlops_lab.intake.data_size import measure_data
from mlops_lab.intake.load_memory import (
    BYTES_PER_ROW_IN_PARTS,
    BYTES_PER_VALUE,
    LEAST_BYTES_OF_ROW,
    LEAST_TIMES_OF_TEXT,
    PART_BYTES,
    check_load_memory,
)
from mlops_lab.notes import listening
from mlops_lab.project import Project, load_project
from mlops_lab.training import machine_memory

ROWS = 1000


def check(project: Project) -> None:
    check_load_memory([measure_data(project, data) for data in project.settings.named_data])


@pytest.fixture
def project(write_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose data is a Parquet file of 1,000 rows and 3 columns, where 100 bytes are much."""
    written = write_project(tmp_path)
    monkeypatch.setattr(machine_memory, "LARGE_BYTES", 100)
    pl.DataFrame({name: range(ROWS) for name in "abc"}).write_parquet(tmp_path / "data.parquet")
    return load_project(written.root, flags=("source.data=data.parquet", "tables.stock.data=stock.csv"))


def test_it_is_told_and_refused_by_rows_columns_and_the_size_of_text(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "stock.csv").write_text("x" * 500)
    needed = ROWS * 3 * BYTES_PER_VALUE + 500 * LEAST_TIMES_OF_TEXT
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: needed)
    notes: list[str] = []
    with listening(notes.append):
        check(project)
    assert notes == ["loading the data takes about 0.0 GiB of memory"]
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: needed - 1)
    with pytest.raises(EnvironmentFault) as caught:
        check(project)
    assert caught.value.code == "too_little_memory"
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: None)  # nothing tells how much is left
    check(project)


def test_of_data_that_is_read_in_parts_only_the_part_and_a_few_bytes_of_each_row_count(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_size, "MOST_CELLS", ROWS * 3 - 1)
    monkeypatch.setattr(data_size, "MOST_TEXT_BYTES", 499)
    (project.root / "stock.csv").write_text("x" * 500)
    needed = PART_BYTES + (ROWS + 500 // LEAST_BYTES_OF_ROW) * BYTES_PER_ROW_IN_PARTS
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: needed)
    check(project)
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: needed - 1)
    with pytest.raises(EnvironmentFault, match=r"takes about 1\.2 GiB of memory, and 1\.2 GiB are left"):
        check(project)


def test_a_folder_counts_with_all_its_files(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.root / "parts").mkdir()
    for number in range(2):
        pl.DataFrame({"a": range(ROWS)}).write_parquet(project.root / "parts" / f"{number}.parquet")
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: 2 * ROWS * BYTES_PER_VALUE - 1)
    with pytest.raises(EnvironmentFault):
        check(load_project(project.root, flags=("source.data=parts", "tables.stock.data=stock.csv")))


def test_of_a_delta_table_only_the_rows_of_now_count(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        pl.DataFrame({"a": range(ROWS)}).write_delta(project.root / "delta", mode="overwrite")
    delta = load_project(project.root, flags=("source.data=delta", "tables.stock.data=stock.csv"))
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: ROWS * BYTES_PER_VALUE)
    check(delta)
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: ROWS * BYTES_PER_VALUE - 1)
    with pytest.raises(EnvironmentFault):
        check(delta)


@pytest.mark.parametrize("data", ["gone.parquet", "https://host/data.csv", "sqlite:///data.db", "broken.parquet"])
def test_what_cannot_be_looked_at_is_left_to_whoever_reads_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    (project.root / "broken.parquet").write_bytes(b"PAR1 and no more")
    monkeypatch.setattr(machine_memory, "free_bytes", lambda: 0)
    check(load_project(project.root, flags=(f"source.data={data}", "tables.stock.data=stock.csv")))
