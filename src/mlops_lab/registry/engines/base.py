"""An engine: what answers rows of model inputs, out of a file that cannot execute code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    pass


Output = float | list[float]
"""A probability, the probabilities of all classes, or a number."""


class Engine(Protocol):
    """Answers rows of inputs, in the order of `plan.features["inputs"]`, one by one or many at once."""

    exact: bool
    """Whether one by one and many at once give the same to the last bit."""

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows."""

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for many rows, of shape (rows,) or (rows, outputs); on at most so many threads (0: all cores)."""


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
