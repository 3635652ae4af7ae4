"""The memory that the project's data takes when it is loaded, before it is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.lake.files import is_delta, list_files, scan_delta
from mlops_lab.lake.remote import is_remote
from mlops_lab.lake.sql import is_uri
from mlops_lab.project import Project
from mlops_lab.training.machine_memory import check_memory_left

BYTES_PER_VALUE = 50
"""Of each value of a Parquet file, all copies together. Measured: `benchmarks/bench_history.py`."""
LEAST_TIMES_OF_TEXT = 2
"""A text file takes more than this many times its size, compressed or not."""
_PARQUET = b"PAR1"


def check_load_memory(project: Project) -> None:
    """Tell how much memory it takes to load the project's data, where that is much; EnvironmentFault where less is
    left.

    Only files of this machine are looked at, and no row of them is read.
    """
    named = [project.settings.source.data, *(table.data for table in project.settings.tables.values())]
    needed = sum(_bytes_of(project, data) for data in named)
    check_memory_left(
        "loading the data",
        needed,
        where="the files that `data` in mlops.toml names",
        hint="name a smaller file there, and add the other rows piece by piece with `mlops ingest`",
    )


def _bytes_of(project: Project, data: str) -> int:
    """About the bytes of memory that a file, or the files of a folder, take; 0 of what lies elsewhere, or is not
    there."""
    path = project.root / data
    if not data or is_remote(data) or is_uri(data) or not path.exists():
        return 0
    try:
        if is_delta(path):
            return _bytes_of_rows(scan_delta(path))
        files: Iterable[Path] = list_files(path) if path.is_dir() else [path]
        return sum(_bytes_of_file(file) for file in files if file.is_file())
    except (OSError, MlopsError, pl.exceptions.PolarsError):  # reading it says what is wrong
        return 0


def _bytes_of_file(path: Path) -> int:
    with path.open("rb") as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET
    if is_parquet:
        return _bytes_of_rows(pl.scan_parquet(path, glob=False))
    return path.stat().st_size * LEAST_TIMES_OF_TEXT


def _bytes_of_rows(scan: pl.LazyFrame) -> int:
    return int(scan.select(pl.len()).collect().item()) * len(scan.collect_schema()) * BYTES_PER_VALUE
