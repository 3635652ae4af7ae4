"""The gain of each day of a rollout: of the outcomes that arrived on it, and of nothing else."""

import math
from pathlib import Path

import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.lake import Lake
from mlops_lab.loop.rollout_evidence import measure_rollout, read_gains
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.binary import Binary


def measure(tiny, lake: Lake, window: Window) -> pl.DataFrame:
    return measure_rollout(tiny.project, lake, window, began=tiny.now - 30 * HOUR, task=Binary())


def test_a_day_counts_what_arrived_on_it(tiny, tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    first, second = (
        Window(tiny.now - hours * HOUR, tiny.now - (hours - 10) * HOUR) for hours in (20, 10)
    )  # two days of ten hours
    write_outcomes(
        tiny,
        lake,
        {"output": 0.5, "shadow_output": 0.8, "known_at": first.began},
        {"output": 0.5, "shadow_output": 0.4, "known_at": first.end - HOUR},
        {"output": 0.9, "shadow_output": 0.5, "role": "canary", "known_at": second.began},
        {"output": 0.5, "shadow_output": 0.9, "known_at": first.began, "received_at": second.began},  # came later
        {"output": 0.5, "known_at": second.began},  # scored by one version only
        {"output": 0.5, "shadow_output": 0.9, "known_at": second.began, "predicted_at": tiny.now - 40 * HOUR},
    )
    before = measure(tiny, lake, first)
    daily = read_gains(pl.concat([measure(tiny, lake, second), before]))
    assert daily.rows.tolist() == [2, 2]
    gains = [math.log(0.8 / 0.5) + math.log(0.4 / 0.5), math.log(0.9 / 0.5) + math.log(0.9 / 0.5)]
    assert daily.gains.tolist() == pytest.approx([gain / 2 for gain in gains])
    write_outcomes(tiny, lake, {"output": 0.5, "shadow_output": 0.9, "known_at": tiny.now - HOUR})
    assert measure(tiny, lake, first).equals(before), "a day that was looked at does not change any more"


def test_a_day_without_pairs_is_no_day(tiny, tmp_path: Path):
    rows = measure(tiny, Lake(tmp_path / "lake"), Window(tiny.now - HOUR, tiny.now))
    assert rows.is_empty()
    for nothing in (rows, pl.DataFrame(), pl.DataFrame(schema=MEASUREMENTS.fixed_schema)):
        assert read_gains(nothing).gains.size == 0
