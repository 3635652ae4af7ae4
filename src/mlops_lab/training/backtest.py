"""Candidate against champion on stretches of time that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

STRETCHES = 20


@dataclass(frozen=True)
class BlockTest:
    """The mean over blocks of (champion's loss - candidate's), positive where the candidate is better; its one-sided
    p-value under "not better"; the number of blocks."""

    gain: float
    p_value: float
    blocks: int


def equal_stretches(rows: int) -> pl.Series:
    """The stretch that each of some rows, in the order of time, lies in: one of 20 with as many rows each."""
    return pl.Series("block", np.arange(rows) * min(STRETCHES, rows) // max(rows, 1), dtype=pl.Int64)


def mean_by_block(blocks: pl.Series, gains: pl.Series) -> npt.NDArray[np.float64]:
    """Per block, in order, the mean of the gains on its rows."""
    frame = pl.DataFrame({"block": blocks, "gain": gains})
    return frame.group_by("block", maintain_order=True).agg(pl.col("gain").mean()).sort("block")["gain"].to_numpy()


def compare_blocks(gains: npt.NDArray[np.float64]) -> BlockTest:
    """A paired one-sided t-test over blocks: rows of one day share their weather and are not independent.

    Student's t on the means of the blocks (Student 1908); meant for one look at a fixed number of them.
    """
    blocks = len(gains)
    mean = float(np.mean(gains)) if blocks else 0.0
    spread = float(np.std(gains, ddof=1)) if blocks > 1 else 0.0
    if not spread > 0.0:  # no blocks, one block, two models that answer alike, or no number: nothing is proved
        return BlockTest(mean, 1.0, blocks)
    t = mean / (spread / np.sqrt(blocks))
    return BlockTest(mean, float(stats.t.sf(t, blocks - 1)), blocks)
