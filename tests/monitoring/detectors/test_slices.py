"""The quality of groups of requests: each is that of its rows alone; small groups are left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.excess_loss import measure_excess
from mlops_lab.monitoring.detectors.skill import measure_skill
from mlops_lab.monitoring.detectors.slices import (
    MAX_GROUPS,
    MIN_ROWS,
    SLICE,
    SLICE_EXCESS_LOSS,
    SLICE_RMSE,
    SLICE_SKILL,
)
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.regression import Regression

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))


def seen() -> Seen:
    rng = np.random.default_rng(1)
    chance = rng.random(500)
    group = np.array(["a"] * 300 + ["b"] * 150 + ["c"] * 50)
    truth = np.where(group == "b", rng.random(500) < 0.5, rng.random(500) < chance).astype(float)
    columns = {"truth": truth, "output": chance, f"{SLICE}shop": group, "shop": group}
    return Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame(columns))


def test_a_group_is_measured_by_its_own_rows():
    values = dict(SLICE_EXCESS_LOSS.measure(seen()))
    assert set(values) == {"shop=a", "shop=b"}
    of_b = replace(seen(), joined=seen().joined.filter(pl.col("shop") == "b"))
    assert values["shop=b"] == pytest.approx(measure_excess(of_b)[0][1])
    assert dict(SLICE_SKILL.measure(seen()))["shop=b"] == pytest.approx(measure_skill(of_b)[0][1])
    assert values["shop=b"] > 0.2 > abs(values["shop=a"])
    assert dict(SLICE_SKILL.measure(seen()))["shop=b"] < 0
    assert list(SLICE_RMSE.measure(seen())) == []


def test_of_numbers_the_error_is_measured():
    errors = replace(seen(), task=Regression())
    joined = errors.joined.filter(pl.col("shop") == "a")
    expected = float(np.sqrt(((joined["truth"] - joined["output"]) ** 2).mean()))
    assert dict(SLICE_RMSE.measure(errors))["shop=a"] == pytest.approx(expected)


def test_many_groups_cost_no_more_than_the_largest():
    names = [f"g{number:02}" for number in range(MAX_GROUPS + 5) for _ in range(MIN_ROWS)]
    joined = pl.DataFrame({f"{SLICE}x": names, "truth": [1.0] * len(names), "output": [0.5] * len(names)})
    found = [name for name, _ in SLICE_EXCESS_LOSS.measure(Seen(DAY, Binary(), pl.DataFrame(), joined))]
    assert found == [f"x=g{number:02}" for number in range(MAX_GROUPS)]
