"""An engine: computes answers for rows of model inputs, from a file that cannot execute code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from mlops_lab.registry.columns import Answers

Output = float | list[float]
"""A probability, the probabilities of all classes, or a number."""


class Engine(Protocol):
    """Answers rows of inputs, in the order of `plan.features["inputs"]`; several threads may call it at once."""

    exact: bool
    """Whether a row gets the same answer to the last bit alone and among many."""

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows."""

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> Answers:
        """The answers for many rows; on at most so many threads (0: all cores)."""


class ModelFile(NamedTuple):
    """The content of a model file that was checked, and where it was read."""

    path: Path
    content: bytes


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
