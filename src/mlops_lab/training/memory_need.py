"""The memory that a training takes, before it begins. Light: nothing is read."""

from __future__ import annotations

BASE_BYTES = 460 * 2**20
"""The libraries, and all else that does not grow with the rows."""
BYTES_PER_ROW = 250
BYTES_PER_VALUE = 30
"""Of each input of each row, all copies together. Measured: `benchmarks/bench_scale.py` prints what they are now."""


def estimate_training_bytes(rows: int, inputs: int) -> int:
    """About the most bytes that a process holds at once that trains on so many rows of so many inputs."""
    return BASE_BYTES + rows * (BYTES_PER_ROW + inputs * BYTES_PER_VALUE)
