"""How large the data of a table is, before it is read, and whether it is read in parts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.lake.files import file_stamps, is_delta, list_files, scan_delta
from mlops_lab.lake.remote import is_remote
from mlops_lab.lake.snapshots import CELLS_AT_ONCE
from mlops_lab.lake.sql import is_uri
from mlops_lab.project import Project

MOST_CELLS = 2 * CELLS_AT_ONCE
"""Data of more values is read in parts, as the fingerprint of such a table is made."""
MOST_TEXT_BYTES = 256 * 2**20
"""So are text files of more bytes, compressed or not: how many values they have, only reading them tells."""
_PARQUET, _HEAD_BYTES = b"PAR1", 64


class DataSize(NamedTuple):
    """The rows and values of Parquet files or a Delta table, and the bytes of other files; of JSON, which is not read
    in parts, by themselves."""

    rows: int = 0
    cells: int = 0
    text_bytes: int = 0
    json_bytes: int = 0

    @property
    def is_large(self) -> bool:
        """Whether it is read in parts."""
        return self.cells > MOST_CELLS or self.text_bytes > MOST_TEXT_BYTES


def measure_data(project: Project, data: str) -> DataSize:
    """The size of a file, of the files of a folder, or of a Delta table; nothing of what lies elsewhere, or is not
    there. No row is read."""
    path = project.root / data
    if not data or is_remote(data) or is_uri(data) or not path.exists():
        return DataSize()
    try:
        if is_delta(path):
            return _measure_rows(scan_delta(path))
        files: Iterable[Path] = list_files(path) if path.is_dir() else [path]
        sizes = [_measure_file(file) for file in files if file.is_file()]
    except (OSError, MlopsError, pl.exceptions.PolarsError):  # reading it says what is wrong
        return DataSize()
    return DataSize(*(sum(figures) for figures in zip(*sizes, strict=True))) if sizes else DataSize()


def data_stamps(project: Project) -> list[object] | None:
    """What changes when one of the project's data files is written; None where some data lies elsewhere, or in a Delta
    table, so that only reading it tells."""
    named = project.settings.named_data
    if any(is_remote(data) or is_uri(data) or is_delta(project.root / data) for data in named if data):
        return None
    try:
        return [file_stamps(project.root / data) for data in named if data]
    except OSError:  # reading it says what is wrong
        return None


def _measure_file(path: Path) -> DataSize:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(_PARQUET):
        return _measure_rows(pl.scan_parquet(path, glob=False))
    size = path.stat().st_size
    return DataSize(json_bytes=size) if head.lstrip().startswith((b"{", b"[")) else DataSize(text_bytes=size)


def _measure_rows(scan: pl.LazyFrame) -> DataSize:
    rows = int(scan.select(pl.len()).collect().item())
    return DataSize(rows, rows * len(scan.collect_schema()))
