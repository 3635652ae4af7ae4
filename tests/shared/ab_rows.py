"""An A/B test as it lies in the lake: what was asked, what was answered, how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def write_answers(tiny: Any, lake: Lake, *rows: dict[str, Any]) -> None:
    """Write answers with their outcomes; each row says what is different. `known_at` None: no outcome yet."""
    base = {"late": True, "role": "champion", "output": 0.5, "version": 1, "shop": "a", "express": True}
    base |= {"at": tiny.now - 2 * HOUR, "known_at": tiny.now - HOUR, "verdict": "accepted"}
    full = [{**base, "id": f"r{number}", **row} for number, row in enumerate(rows)]
    told = [{**row, "predicted_at": row["at"]} for row in full if row["known_at"] is not None]
    schema = {**PREDICTIONS.fixed_schema, "output": pl.Float64(), "customer": pl.String()}
    PREDICTIONS.append(lake, pl.DataFrame(full, schema=schema))
    OUTCOMES.append(lake, pl.DataFrame(told, schema=OUTCOMES.schema(tiny.project)))


def draw_test(tiny: Any, *, days: int, effect: float, lost: float = 0.0) -> list[dict[str, Any]]:
    """The answers of a test of version 2 beside version 1, half of the keys each, until `tiny.now`; before it as many
    days of version 1. The arm's answers are nearer to the truth by `effect`; a share `lost` of its keys never asks."""
    rng = np.random.default_rng(5)
    keys = [f"c{number}" for number in range(200)]
    in_arm, hard = rng.random(200) < 0.5, rng.random(200) < 0.5
    gone = in_arm & (rng.random(200) < lost)
    rows = []
    for day in range(-2 * days, 0):
        for key in rng.integers(0, 200, 150):
            is_arm = bool(in_arm[key]) and day >= -days
            late = bool(rng.random() < 0.5)
            right = float(np.clip(0.5 + (0.0 if hard[key] else 0.2) + effect * is_arm + rng.normal(0, 0.1), 0.05, 0.95))
            at = tiny.now + day * DAY + int(rng.integers(0, 20)) * HOUR
            row = {"at": at, "known_at": at + HOUR, "customer": keys[key], "late": late}
            row |= {
                "output": right if late else 1 - right,
                "version": 1 + is_arm,
                "role": "arm" if is_arm else "champion",
            }
            if not (gone[key] and day >= -days):
                rows.append(row)
    return rows
