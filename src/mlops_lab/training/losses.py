"""What each answer cost. Light: the loop asks it at every turn."""

from __future__ import annotations

import polars as pl

CLIP = 1e-15


def row_losses(truth: pl.Series, probability: pl.Series) -> pl.Series:
    """Log loss of every row, in nats; probabilities are clipped to [1e-15, 1 - 1e-15]."""
    p = probability.clip(CLIP, 1 - CLIP)
    return -(truth * p.log() + (1 - truth) * (1 - p).log())
