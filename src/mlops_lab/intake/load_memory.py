"""The memory that the project's data takes when it is loaded, before it is read."""

from __future__ import annotations

from collections.abc import Collection

from mlops_lab.intake.data_size import DataSize
from mlops_lab.training.machine_memory import check_memory_left

BYTES_PER_VALUE = 50
"""Of each value of a Parquet file that is read whole, all copies together. Measured: `benchmarks/bench_history.py`."""
LEAST_TIMES_OF_TEXT = 2
"""A text file that is read whole takes more than this many times its size, compressed or not."""
PART_BYTES = 1_200 * 2**20
"""Of data that is read in parts: the part, and what is compared or written at once. Measured, as what follows, by
`benchmarks/bench_history.py`."""
BYTES_PER_ROW_IN_PARTS = 24
"""Of each of its rows: the hash of its key, twice while they are compared, and what becomes of it."""
LEAST_BYTES_OF_ROW = 24
"""A row of text has about so many bytes or more."""


def check_load_memory(sizes: Collection[DataSize]) -> None:
    """Tell how much memory it takes to load data of these sizes, where that is much; EnvironmentFault where less is
    left."""
    needed = sum(_bytes_of(size) for size in sizes) + (PART_BYTES if any(size.is_large for size in sizes) else 0)
    check_memory_left(
        "loading the data",
        needed,
        where="the files that `data` in mlops.toml names",
        hint="name a smaller file there, and add the other rows piece by piece with `mlops ingest`",
    )


def _bytes_of(size: DataSize) -> int:
    """About the bytes that are held of data of a size."""
    whole = size.json_bytes * LEAST_TIMES_OF_TEXT
    if size.is_large:
        return whole + (size.rows + size.text_bytes // LEAST_BYTES_OF_ROW) * BYTES_PER_ROW_IN_PARTS
    return whole + size.cells * BYTES_PER_VALUE + size.text_bytes * LEAST_TIMES_OF_TEXT
