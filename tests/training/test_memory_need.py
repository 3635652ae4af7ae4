"""The memory that a training takes, before it begins."""

from __future__ import annotations

from mlops_lab.training.memory_need import BASE_BYTES, estimate_training_bytes


def test_it_grows_with_rows_and_inputs() -> None:
    assert estimate_training_bytes(0, 9) == BASE_BYTES
    assert estimate_training_bytes(1000, 20) > estimate_training_bytes(1000, 10) > estimate_training_bytes(500, 10)


def test_it_is_near_what_was_measured() -> None:
    """`benchmarks/bench_scale.py` on 3,000,000 rows of 9 inputs, and on 300,000 of 50."""
    for rows, inputs, gib in ((3_000_000, 9, 1.73), (300_000, 50, 0.88)):
        assert 1.0 <= estimate_training_bytes(rows, inputs) / 2**30 / gib < 1.25
