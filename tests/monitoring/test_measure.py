"""Measurements of a window."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.monitoring.detectors.jensen_shannon import jensen_shannon
from mlops_lab.monitoring.measure import (
    calibration_gap,
    measure,
    measure_beside,
    measurements_of,
    note_unmeasured,
    quality_of,
)
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.quality import log_loss, roc_auc
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import LISTS
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
TRAINED = pl.DataFrame({"shop": ["a", "b", "a", "b"], "amount": [1.0, 2.0, 3.0, None]})
PREDICTIONS = pl.DataFrame(
    {
        "version": [3, 4, 3],
        "role": ["champion", "canary", "champion"],
        "shop": ["a", "b", None],
        "amount": [1.0, None, 2.0],
    }
)
BINARY = Binary()


def answers(frame: pl.DataFrame, *, version: int = 3, role: str = "champion") -> pl.DataFrame:
    return frame.with_columns(version=pl.lit(version, pl.Int64), role=pl.lit(role))


JOINED = answers(pl.DataFrame({"truth": [1.0, 0.0, 0.0, 1.0], "output": [0.9, 0.2, 0.4, 0.3]}))


def measured(predictions=PREDICTIONS, joined=JOINED, at=AT, task=BINARY) -> pl.DataFrame:
    profiles = make_profiles(TRAINED)
    return measure(
        Window(at - timedelta(days=1), at),
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
    assert table["at"].unique().to_list() == [AT]
    assert table["window_hours"].unique().to_list() == [24.0]
    assert value(table.filter(pl.col("role") == "champion"), "volume", "predictions") == 2
    assert value(table.filter(pl.col("role") == "canary"), "volume", "predictions") == 1
    table = measurements_of(table, 3)
    assert value(table, "volume", "outcomes") == 4
    assert value(table, "quality", "log_loss") == log_loss(JOINED["truth"], JOINED["output"])
    assert value(table, "quality", "auc") == roc_auc(JOINED["truth"], JOINED["output"]) == 0.75
    assert value(table, "quality", "observed_rate") == 0.5
    assert value(table, "quality", "predicted_rate") == pytest.approx(0.45)
    assert value(table, "nulls", "amount") == pytest.approx(1 / 3)
    assert value(table, "drift", "shop") > 0
    assert quality_of(table, "auc", version=3) == 0.75
    assert quality_of(table, "nothing", version=3) is None


def test_a_window_in_which_nothing_happened():
    table = measured(PREDICTIONS.clear(), pl.DataFrame())
    assert set(table["monitor"]) == {"volume", "freshness"}
    assert quality_of(table, "log_loss", version=3) is None
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
        joined = answers(pl.DataFrame(rows, schema={"truth": pl.Float64, "output": pl.Float64}, orient="row"))
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
    table = measured(joined=answers(joined), task=Multiclass(("a", "b", "c")))
    assert value(table, "quality", "accuracy") == 0.75
    assert value(table, "quality", "log_loss") == pytest.approx(-math.log(0.8 * 0.7 * 0.2 * 0.6) / 4)
    assert value(table, "calibration", "a") == pytest.approx(0.25 - 0.4)
    assert calibration_gap(table) == ("c", pytest.approx(0.5 - 0.3), 4.0)


def test_a_number_is_measured_in_its_own_units_and_its_gap_in_standard_deviations():
    joined = pl.DataFrame({"truth": [10.0, 20.0, 30.0, 40.0], "output": [10.0, 20.0, 30.0, 20.0]})
    table = measured(joined=answers(joined), task=Regression(10.0))
    assert value(table, "quality", "rmse") == 10.0
    assert value(table, "quality", "mae") == 5.0
    assert value(table, "quality", "r2") == pytest.approx(1 - 100 / 125)
    assert value(table, "quality", "observed_mean") == 25.0
    assert calibration_gap(table) == ("", 0.5, 4.0)


def test_every_version_is_measured_by_its_own_answers():
    groups = {(3, "champion"): 0.9, (2, "champion"): 0.2, (3, "canary"): 0.6, (4, "arm"): 0.5}
    parts = [
        answers(pl.DataFrame({"truth": [1.0, 1.0], "output": [output] * 2}), version=version, role=role)
        for (version, role), output in groups.items()
    ]
    table = measured(joined=pl.concat(parts))
    losses = (
        table.filter(pl.col("monitor") == "quality", pl.col("name") == "log_loss")
        .select("version", "role", "value")
        .rows()
    )
    assert losses == [
        (version, role, pytest.approx(-math.log(output))) for (version, role), output in sorted(groups.items())
    ]
    assert table.filter(pl.col("name") == "outcomes")["value"].sum() == 8, "no outcome counts twice"
    assert quality_of(table, "log_loss", version=3) == pytest.approx(-math.log(0.9)), "as champion"
    assert calibration_gap(measurements_of(table, 2)) == ("", pytest.approx(0.8), 2.0)
    assert calibration_gap(measurements_of(table, 3)) == ("", pytest.approx(0.25), 4.0), "in both roles"


def test_rows_of_older_releases_count_for_the_champion_of_their_day():
    table = measured().filter(pl.col("role") == "champion").with_columns(role=pl.lit(None, pl.String))
    assert quality_of(table, "auc", version=3) == 0.75
    assert calibration_gap(measurements_of(table, 3)) == ("", pytest.approx(0.05), 4.0)
    assert calibration_gap(measurements_of(table, 2)) == ("", 0.0, 0.0)


def test_what_was_not_measured_is_a_row_with_the_reason():
    row = note_unmeasured(Window(AT - timedelta(hours=5), AT), version=3, reason="the file is gone")
    assert row.rows() == [(AT, 5.0, "unmeasured", "the file is gone", 3, 1.0, None, AT)]
    assert dict(row.schema) == MEASUREMENTS.fixed_schema


def test_drift_beside_another_version_is_that_of_its_profile():
    trained = pl.DataFrame({"distance": [float(number) for number in range(100)]})
    seen = pl.DataFrame({"distance": [50.0] * 40})
    rows = measure_beside(
        Window(AT - timedelta(days=1), AT),
        version=3,
        inputs=seen,
        profiles=make_profiles(trained),
        only=("jensen_shannon", "joint_drift"),
    )
    values = dict(zip(rows["monitor"], rows["value"], strict=True))
    assert set(values) == {"jensen_shannon", "joint_drift"}
    assert values["jensen_shannon"] == jensen_shannon(make_profiles(trained)["distance"], seen["distance"])
    assert rows["version"].unique().to_list() == [3]
    assert rows["role"].null_count() == rows.height


def test_nulls_of_request_fields_that_are_no_inputs_are_measured():
    asked = PREDICTIONS.with_columns(tail=pl.Series(["n1", None, None]))
    table = measure(
        Window(AT - timedelta(days=1), AT),
        version=3,
        task=BINARY,
        predictions=asked,
        inputs=asked.select("shop", "amount"),
        joined=JOINED,
        profiles=make_profiles(TRAINED),
        fields=["tail", "shop", "unknown"],
    )
    assert value(table, "nulls", "tail") == pytest.approx(2 / 3), "of all requests, whichever version answered"
    assert value(table, "nulls", "shop") == pytest.approx(1 / 3), "an input is measured once"
    assert value(table, "nulls", "unknown") is None
