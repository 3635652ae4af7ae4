"""Plots of characters, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

_EIGHTHS = " ▁▂▃▄▅▆▇█"
WIDEST = 60


def draw_columns(values: Sequence[float], *, low: float, high: float, height: int = 4) -> list[str]:
    """Lines, from the top one down, of a column a value from `low` (an eighth of a line) to `high`.

    Beyond 60 values each column is the mean of as many neighbours as it takes.
    """
    group = -(-len(values) // WIDEST)
    shown = [fmean(values[start : start + group]) for start in range(0, len(values), group or 1)]
    span = (high - low) or 1.0
    eighths = [max(1, min(8 * height, round(8 * height * (value - low) / span))) for value in shown]
    width = 2 if len(shown) <= WIDEST // 2 else 1
    return [
        "".join(
            _EIGHTHS[min(8, max(0, eighth - 8 * line))] * (width - (width > 1)) + " " * (width > 1)
            for eighth in eighths
        )
        for line in reversed(range(height))
    ]
