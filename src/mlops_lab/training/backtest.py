"""Compares candidate and champion on blocks of time that neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

BLOCKS = 20
FEW = 0.25
"""A block with fewer rows than this share of the median block's is no block of its own."""


@dataclass(frozen=True)
class BlockTest:
    """The mean over blocks of (champion's loss - candidate's), positive where the candidate is better; its one-sided
    p-value under "not better"; the number of blocks."""

    gain: float
    p_value: float
    blocks: int


def equal_blocks(rows: int) -> pl.Series:
    """The block of each row, for rows in the order of time: one of 20 blocks with equally many rows."""
    return pl.Series("block", np.arange(rows) * min(BLOCKS, rows) // max(rows, 1), dtype=pl.Int64)


def mean_by_block(blocks: pl.Series, gains: pl.Series) -> npt.NDArray[np.float64]:
    """The mean of the gains in each block, in the order of the blocks.

    A block with few rows, such as a day of which only the first minutes are over, is joined to the one before (the
    first to the one after): by itself it would count as much as a whole day, and say little but noise.
    """
    rows = pl.DataFrame({"block": blocks, "gain": gains})
    sizes = rows.group_by("block").len().sort("block")
    is_whole = pl.col("len") >= FEW * pl.col("len").median()
    joined = sizes.select("block", whole=is_whole.cum_sum().clip(lower_bound=1))
    means = rows.join(joined, on="block", maintain_order="left").group_by("whole").agg(pl.col("gain").mean())
    return means.sort("whole")["gain"].to_numpy()


def compare_blocks(gains: npt.NDArray[np.float64]) -> BlockTest:
    """A paired one-sided t-test over blocks: rows of one day have much in common and are not independent.

    Student's t on the means of the blocks (Student 1908); valid for one test with a fixed number of them.
    """
    blocks = len(gains)
    mean = float(np.mean(gains)) if blocks else 0.0
    spread = float(np.std(gains, ddof=1)) if blocks > 1 else 0.0
    if not spread > 0.0:  # too few blocks, two models with the same answers, or not a number: nothing is proved
        return BlockTest(mean, 1.0, blocks)
    from scipy.special import stdtr  # its import takes longer than most commands

    t = mean / (spread / np.sqrt(blocks))
    return BlockTest(mean, float(stdtr(blocks - 1, -t)), blocks)
