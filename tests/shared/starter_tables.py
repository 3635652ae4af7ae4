"""A table to analyse, with a target that can be predicted, and columns that tests add to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.starter.analysis import TableAnalysis

ROWS = 400
START = datetime(2024, 1, 1, tzinfo=UTC)
EVENS = [number % 2 for number in range(ROWS)]


def make_table(**columns: Any) -> pl.DataFrame:
    """A target `y` that depends on two numbers and a category, and more columns."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=ROWS), random.normal(size=ROWS)
    kind = random.choice(["red", "green", "blue"], ROWS)
    y = (a + (kind == "red") + random.normal(size=ROWS)) > 0
    return pl.DataFrame({"a": a, "b": b, "kind": kind, "y": y, **columns})


def role_of(analysis: TableAnalysis, name: str) -> tuple[str, str]:
    """The role of a column, and the note on it."""
    return next((item.role, item.note) for item in analysis.columns if item.column.name == name)


def make_moments(step: timedelta = timedelta(hours=7), start: datetime = START) -> list[datetime]:
    """As many moments as the table has rows, at equal steps."""
    return [start + index * step for index in range(ROWS)]
