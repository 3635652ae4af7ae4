"""What a detector is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from mlops_lab.monitoring.profile import Profile


@dataclass(frozen=True)
class Detector:
    """One number about each model input.

    `monitor` is its name in the table of measurements. `measure` compares a column of requests with the profile of the
    training data: always a finite number, whatever the column holds. `unchanged` is the value that the training data
    itself gets.
    """

    monitor: str
    measure: Callable[[Profile, pl.Series], float]
    unchanged: Callable[[Profile], float]
