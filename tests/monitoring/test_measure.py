"""Measurements of a window."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.monitoring.measure import calibration_gap, measure, quality_of
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.quality import log_loss, roc_auc
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import LISTS
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
TRAINED = pl.DataFrame({"shop": ["a", "b", "a", "b"], "amount": [1.0, 2.0, 3.0, None]})
PREDICTIONS = pl.DataFrame(
    {"role": ["champion", "canary", "champion"], "shop": ["a", "b", None], "amount": [1.0, None, 2.0]}
)
BINARY = Binary()
JOINED = pl.DataFrame({"truth": [1.0, 0.0, 0.0, 1.0], "output": [0.9, 0.2, 0.4, 0.3]})


def measured(predictions=PREDICTIONS, joined=JOINED, at=AT, task=BINARY) -> pl.DataFrame:
    profiles = make_profiles(TRAINED)
    return measure(
        at=at,
        window_hours=24.0,
        version=3,
        task=task,
        predictions=predictions,
        inputs=predictions,
        joined=joined,
        profiles=profiles,
    )


def value(measurements: pl.DataFrame, monitor: str, name: str) -> float | None:
    values = measurements.filter(pl.col("monitor") == monitor, pl.col("name") == name)["value"].to_list()
    assert len(values) <= 1
    return values[0] if values else None


def test_a_window_is_measured():
    table = measured()
    assert dict(table.schema) == MEASUREMENTS.fixed_schema
    assert table["version"].unique().to_list() == [3]
    assert value(table, "volume", "predictions") == 3
    assert value(table, "volume", "canary") == 1
    assert value(table, "volume", "outcomes") == 4
    assert value(table, "quality", "log_loss") == log_loss(JOINED["truth"], JOINED["output"])
    assert value(table, "quality", "auc") == roc_auc(JOINED["truth"], JOINED["output"]) == 0.75
    assert value(table, "quality", "observed_rate") == 0.5
    assert value(table, "quality", "predicted_rate") == pytest.approx(0.45)
    assert value(table, "nulls", "amount") == pytest.approx(1 / 3)
    assert value(table, "drift", "shop") > 0
    assert quality_of(table, "auc") == 0.75
    assert quality_of(table, "nothing") is None


def test_a_window_in_which_nothing_happened():
    table = measured(PREDICTIONS.clear(), pl.DataFrame())
    assert table["monitor"].unique().to_list() == ["volume"]
    assert quality_of(table, "log_loss") is None
    assert calibration_gap(table) == ("", 0.0, 0.0)


def test_auc_of_one_class_is_not_made_up():
    table = measured(joined=JOINED.filter(pl.col("truth") == 1))
    assert value(table, "quality", "auc") is None
    assert value(table, "quality", "log_loss") > 0


days = st.lists(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), max_size=5), min_size=1, max_size=6)


@given(days)
def test_the_gap_over_days_is_that_over_their_rows(by_day):
    tables = []
    for number, rows in enumerate(by_day):
        joined = pl.DataFrame(rows, schema={"truth": pl.Float64, "output": pl.Float64}, orient="row")
        tables.append(measured(joined=joined, at=AT + timedelta(days=number)))
    part, gap, outcomes = calibration_gap(pl.concat(tables))
    rows = [row for day in by_day for row in day]
    assert part == ""
    assert outcomes == len(rows)
    if rows:
        expected = sum(truth - output for truth, output in rows) / len(rows)
        assert gap == pytest.approx(expected, abs=1e-9)
    else:
        assert gap == 0.0


def test_classes_are_measured_one_by_one():
    joined = pl.DataFrame(
        {"truth": [0.0, 2.0, 2.0, 1.0], "output": [[0.8, 0.1, 0.1], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2]]},
        schema_overrides={"output": LISTS},
    )
    table = measured(joined=joined, task=Multiclass(("a", "b", "c")))
    assert value(table, "quality", "accuracy") == 0.75
    assert value(table, "quality", "log_loss") == pytest.approx(-math.log(0.8 * 0.7 * 0.2 * 0.6) / 4)
    assert value(table, "calibration", "a") == pytest.approx(0.25 - 0.4)
    assert calibration_gap(table) == ("c", pytest.approx(0.5 - 0.3), 4.0)


def test_a_number_is_measured_in_its_own_units_and_its_gap_in_standard_deviations():
    joined = pl.DataFrame({"truth": [10.0, 20.0, 30.0, 40.0], "output": [10.0, 20.0, 30.0, 20.0]})
    table = measured(joined=joined, task=Regression(10.0))
    assert value(table, "quality", "rmse") == 10.0
    assert value(table, "quality", "mae") == 5.0
    assert value(table, "quality", "r2") == pytest.approx(1 - 100 / 125)
    assert value(table, "quality", "observed_mean") == 25.0
    assert calibration_gap(table) == ("", 0.5, 4.0)
