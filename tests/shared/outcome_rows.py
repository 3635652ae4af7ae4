"""Outcomes as they lie in the lake."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.tables.declared import OUTCOMES

HOUR = timedelta(hours=1)


def write_outcomes(tiny: Any, lake: Lake, *rows: dict[str, Any]) -> None:
    """Write outcomes that became known an hour ago; each row says what is different about it."""
    base = {"verdict": "accepted", "late": True, "role": "champion", "output": 0.5, "version": 1}
    base |= {"known_at": tiny.now - HOUR, "predicted_at": tiny.now - 2 * HOUR, "shop": "a", "express": True}
    OUTCOMES.append(
        lake,
        pl.DataFrame(
            [{**base, "id": str(number), **row} for number, row in enumerate(rows)],
            schema=OUTCOMES.schema(tiny.project),
        ),
    )
