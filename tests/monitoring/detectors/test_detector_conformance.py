"""What every detector in the lists of `monitoring.detectors.run` must keep. A failure here says what a new one lacks."""

import math
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.monitoring.detectors import run
from mlops_lab.monitoring.detectors.base import (
    AnswerDetector,
    Detector,
    JointDetector,
    Operations,
    OperationsDetector,
    RequestCounts,
    Seen,
)
from mlops_lab.monitoring.detectors.run import ANSWER_DETECTORS, DETECTORS, JOINT_DETECTORS, OPERATIONS_DETECTORS
from mlops_lab.monitoring.measure import measure
from mlops_lab.monitoring.profile import Profile, bin_shares, make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tables.table import MOMENT
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression

EVERY_DETECTOR = (*DETECTORS, *JOINT_DETECTORS, *ANSWER_DETECTORS, *OPERATIONS_DETECTORS)
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=[detector.monitor for detector in DETECTORS])

COLUMNS = {
    "numbers": pl.Series("x", [3.5, 1.0, 2.0, 2.0, 8.0, None, -4.0]),
    "text": pl.Series("x", ["a", "b", "a", None, "", "c"]),
    "booleans": pl.Series("x", [True, False, None, True]),
    "whole numbers": pl.Series("x", [1, 2, 3, 3, None]),
    "empty": pl.Series("x", [], dtype=pl.Float64),
    "empty text": pl.Series("x", [], dtype=pl.String),
    "all null": pl.Series("x", [None, None], dtype=pl.Float64),
    "all null text": pl.Series("x", [None, None], dtype=pl.String),
    "constant": pl.Series("x", [5.0] * 20),
    "constant text": pl.Series("x", ["a"] * 20),
    "infinities and NaN": pl.Series("x", [math.inf, -math.inf, math.nan, 1.0, None]),
    "only infinities": pl.Series("x", [math.inf, math.inf]),
    "large numbers": pl.Series("x", [1e308, -1e308, 5e-324]),
}


def profile_of(column: pl.Series) -> Profile:
    return make_profiles(column.to_frame())["x"]


OLD_PROFILE = '{"edges": [2.0], "categories": null, "shares": [0.5, 0.5], "null_share": 0.0}'
"""As packages hold it that were made before profiles had samples."""


def test_monitors_are_unique_and_described():
    monitors = [detector.monitor for detector in EVERY_DETECTOR]
    assert len(set(monitors)) == len(monitors)
    assert not {"parity", "evidence", "unmeasured"} & set(monitors), (
        "these names in the table of measurements are taken"
    )
    (described,) = (column.meaning for column in MEASUREMENTS.columns if column.name == "monitor")
    assert [name for name in monitors if f"`{name}`" not in described] == []


@every_detector
def test_an_older_profile_is_measured_or_left_out(detector: Detector):
    profile = msgspec.json.decode(OLD_PROFILE, type=Profile)
    if detector.needs(profile):
        assert math.isfinite(detector.measure(profile, pl.Series("x", [1.0, 2.0, None])))


@every_detector
def test_the_value_is_a_finite_number_whatever_the_columns_hold(detector: Detector):
    for trained, before in COLUMNS.items():
        profile = profile_of(before)
        if not detector.needs(profile):
            continue
        for seen, after in COLUMNS.items():
            if (before.dtype == pl.String) == (after.dtype == pl.String):
                value = detector.measure(profile, after)
                assert type(value) is float, f"{type(value).__name__} is no float"
                assert math.isfinite(value), f"{value} on a column of {seen}, trained on {trained}"


@every_detector
def test_the_training_data_itself_has_not_changed(detector: Detector):
    for name, column in COLUMNS.items():
        profile = profile_of(column)
        if len(column) and detector.needs(profile):
            unchanged = pytest.approx(detector.unchanged(profile), abs=1e-12)
            assert detector.measure(profile, column) == unchanged, name


@every_detector
@examples(50)
@given(st.lists(st.none() | st.floats(), max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(detector: Detector, values: list[float | None], random):
    profile = profile_of(COLUMNS["numbers"])
    column = pl.Series("x", values, dtype=pl.Float64)
    value = detector.measure(profile, column)
    assert detector.measure(profile, column) == value, "the same column must give the same value"
    random.shuffle(values)
    assert detector.measure(profile, pl.Series("x", values, dtype=pl.Float64)) == value


@every_detector
def test_a_detector_leaves_its_input_alone(detector: Detector):
    for name, column in COLUMNS.items():
        profile, before = profile_of(column), column.clone()
        if not detector.needs(profile):
            continue
        detector.measure(profile, column)
        assert column.equals(before), name
        assert profile == profile_of(before), name


def measure_last_bin(profile: Profile, column: pl.Series) -> float:
    """The share of the requests in the last bin: the largest numbers, or the categories that are not listed."""
    return float(bin_shares(profile, column)[-1])


@pytest.mark.parametrize("joint", JOINT_DETECTORS, ids=[joint.monitor for joint in JOINT_DETECTORS])
def test_a_joint_detector_takes_whatever_columns_hold(joint: JointDetector):
    rows = max(len(column) for column in COLUMNS.values())
    table = pl.DataFrame({name: column.extend_constant(None, rows - len(column)) for name, column in COLUMNS.items()})
    profiles = make_profiles(table)
    for seen in (table, table.reverse(), table.head(2)):
        value = joint.measure(profiles, {column.name: column for column in seen})
        assert type(value) is float
        assert math.isfinite(value)
    assert joint.measure(profiles, {column.name: column for column in table.head(0)}) is None
    assert joint.measure({}, {}) is None
    old = {"x": msgspec.json.decode(OLD_PROFILE, type=Profile)}
    assert joint.measure(old, {"x": pl.Series([1.0, 2.0])}) is None


DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
NOON = DAY.began + timedelta(hours=12)
OUTPUTS = {
    "chances": (Binary(), [0.25, 0.75], [0.0, 1.0]),
    "numbers": (Regression(), [-1e308, 1e308], [0.0, 5.0]),
    "classes": (Multiclass(("a", "b")), [[0.5, 0.5], [0.1, 0.9]], [0.0, 1.0]),
}


def seen_of(kind: str, rows: int) -> Seen:
    task, outputs, truth = OUTPUTS[kind]
    answers = {"output": pl.Series(outputs[:rows], dtype=task.output_dtype), "at": [NOON] * rows}
    answered = pl.DataFrame(answers, schema_overrides={"at": MOMENT})
    joined = answered.rename({"at": "predicted_at"}).with_columns(
        pl.Series("truth", truth[:rows], dtype=pl.Float64), arrived_at=pl.col("predicted_at") + timedelta(hours=2)
    )
    return Seen(DAY, task, answered, joined)


@pytest.mark.parametrize("detector", ANSWER_DETECTORS, ids=[detector.monitor for detector in ANSWER_DETECTORS])
def test_a_detector_of_answers_takes_every_task_and_days_without_answers(detector: AnswerDetector):
    for kind in OUTPUTS:
        for rows in (0, 1, 2):
            values = list(detector.measure(seen_of(kind, rows)))
            assert len({name for name, _ in values}) == len(values), "each name once"
            assert all(value is None or type(value) is float for _, value in values), (kind, rows, values)
    list(detector.measure(Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame())))


COUNTS = st.lists(st.integers(0, 10**9), min_size=4, max_size=4)
REQUESTS = st.builds(
    RequestCounts,
    failed=st.integers(0, 10**9),
    rejected=st.integers(0, 10**9),
    buckets=COUNTS,
    bounds_seconds=st.just([0.1, 1, 10]),
)
OPERATIONS = st.builds(
    Operations,
    answered=st.integers(0, 10**9),
    refused=st.integers(0, 10**9),
    set_aside=st.dictionaries(st.text(max_size=5), st.integers(0, 10**9), max_size=3),
    sent=st.dictionaries(st.text(max_size=5), st.integers(0, 10**9), max_size=3),
    requests=st.none() | REQUESTS,
    evidence=st.dictionaries(st.text(max_size=5), st.floats(-1e6, 1e6), max_size=3),
)


@pytest.mark.parametrize("detector", OPERATIONS_DETECTORS, ids=[detector.monitor for detector in OPERATIONS_DETECTORS])
@given(OPERATIONS)
def test_a_detector_of_operations_takes_whatever_was_counted(detector: OperationsDetector, seen: Operations):
    values = list(detector.measure(seen))
    assert len({name for name, _ in values}) == len(values), "each name once"
    assert all(value is None or (type(value) is float and math.isfinite(value)) for _, value in values), values
    assert list(detector.measure(seen)) == values
    assert [value for _, value in detector.measure(Operations()) if value is not None] == [], "nothing of nothing"


LAST_BIN = Detector("last_bin", measure_last_bin, unchanged=lambda profile: profile.shares[-1])


def test_one_more_detector_is_one_file_and_one_entry_in_the_list(tiny, monkeypatch):
    monkeypatch.setattr(run, "DETECTORS", (*DETECTORS, LAST_BIN))
    inputs = tiny.training.inputs
    table = measure(
        Window(tiny.now - timedelta(days=1), tiny.now),
        version=1,
        task=Binary(),
        predictions=inputs.with_columns(version=pl.lit(1), role=pl.lit("champion")),
        inputs=inputs.with_columns(amount=pl.lit(1e9)),
        joined=pl.DataFrame(),
        profiles=make_profiles(inputs),
    )
    rows = table.filter(pl.col("monitor") == "last_bin")
    assert rows["name"].to_list() == inputs.columns
    assert rows.filter(pl.col("name") == "amount")["value"].to_list() == [1.0]
    assert rows.filter(pl.col("name") == "shop")["value"].to_list() == [0.0]
