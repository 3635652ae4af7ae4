"""Which moments can be trusted: single rows with a wrong time do not move the clock of a project."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

MAX_JUMP = timedelta(days=30)
"""How far ahead of the rest single rows may lie."""
TRUSTED_ROWS = 10
"""As many rows that lie further ahead are no mistake: there were none for a while."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of the machine's clock a moment may lie, because that clock was corrected."""


def trusted_of(moments: pl.Series) -> datetime | None:
    """The newest of the moments but for fewer than `TRUSTED_ROWS` that lie more than `MAX_JUMP` ahead of all others."""
    ordered = moments.sort(descending=True).head(TRUSTED_ROWS).to_list()
    trusted = ordered[0] if ordered else None
    for later, earlier in pairwise(ordered):
        if later - earlier > MAX_JUMP:
            trusted = earlier
    return trusted
