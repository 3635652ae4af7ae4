"""Columns that reveal the target together are left out; where nothing else is left they are kept, with a note."""

from __future__ import annotations

import numpy as np
import polars as pl
from starter_tables import role_of

from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions

RANDOM = np.random.default_rng(1)
PARTS = pl.DataFrame({"casual": RANDOM.integers(5, 60, 600), "registered": RANDOM.integers(50, 300, 600)})


def test_the_parts_of_a_total_are_left_out() -> None:
    frame = PARTS.with_columns(temp=RANDOM.random(600), total=pl.col("casual") + pl.col("registered"))
    found = analyse_table(frame, InitOptions("total"))
    assert [role_of(found, name)[0] for name in ("casual", "registered", "temp")] == ["left out", "left out", "number"]
    assert "suspect: casual + registered is the target, exactly" in role_of(found, "casual")[1]


def test_a_moment_minus_the_time_of_the_request_is_found_and_the_time_is_kept() -> None:
    asked = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2025, 1, 1), "1h", eager=True).head(600)
    hours = pl.Series(RANDOM.integers(-40, 90, 600))
    came = asked + pl.select(pl.duration(hours=hours)).to_series()
    frame = pl.DataFrame({"asked_at": asked, "came": came, "late": hours > 24, "x": RANDOM.random(600)})
    found = analyse_table(frame, InitOptions("late", time="asked_at"))
    assert role_of(found, "came")[0] == "left out"
    assert role_of(found, "asked_at")[0] == "time"


def test_they_are_kept_where_no_other_input_is_left() -> None:
    found = analyse_table(PARTS.with_columns(total=pl.col("casual") + pl.col("registered")), InitOptions("total"))
    assert role_of(found, "casual")[0] == "number"
    assert "kept" in role_of(found, "casual")[1]
