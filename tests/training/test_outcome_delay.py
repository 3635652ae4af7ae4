"""Data that does not say when its outcomes became known: training must not see them earlier than a server can."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace

from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.training.outcome_delay import MIN_OUTCOMES, explain_delay, lacks_known_at, measure_delay
from mlops_lab.training.training_set import TrainingSet, build_training_set

HOUR = timedelta(hours=1)


def lake_of(tiny, path: Path, delay: timedelta) -> Lake:
    """The small project's data, with outcomes that were known `delay` after their request."""
    lake = Lake(path)
    orders = tiny.lake.read("orders").with_columns(known_at=pl.col("asked_at") + delay)
    lake.append("orders", orders, time="known_at")
    lake.append("stock", tiny.lake.read("stock"), time="known_at")
    return lake


def with_delay(project: Project, delay: str | None) -> Project:
    source = replace(project.settings.source, outcome_delay=delay)
    return Project(project.root, replace(project.settings, source=source))


def add_outcomes(tiny, lake: Lake, *delays: timedelta, received_late: timedelta = timedelta()) -> None:
    rows = [
        {
            "id": str(number),
            "verdict": "accepted",
            "predicted_at": tiny.now - 20 * HOUR,
            "known_at": tiny.now - 20 * HOUR + delay - received_late,
            "received_at": tiny.now - 20 * HOUR + delay if received_late else None,
            "asked_at": tiny.now - 20 * HOUR,
            "shop": "a",
            "express": True,
            "late": True,
            "version": 1,
            "role": "champion",
        }
        for number, delay in enumerate(delays)
    ]
    OUTCOMES.append(lake, pl.DataFrame(rows, schema=OUTCOMES.schema(tiny.project)))


@pytest.fixture(scope="module")
def stated(tiny, tmp_path_factory) -> TrainingSet:
    """The training set of data that says that each outcome was known 3 hours after its request."""
    lake = lake_of(tiny, tmp_path_factory.mktemp("stated"), 3 * HOUR)
    return build_training_set(tiny.project, tiny.pipeline.features, lake=lake, until=tiny.now)


def test_a_declared_delay_gives_the_features_of_data_that_says_it(tiny, tmp_path, stated):
    lake = lake_of(tiny, tmp_path, timedelta())
    assert lacks_known_at(tiny.project, lake)
    at_once, declared = (
        build_training_set(with_delay(tiny.project, delay), tiny.pipeline.features, lake=lake, until=tiny.now)
        for delay in (None, "3h")
    )
    assert declared.inputs.equals(stated.inputs)
    assert not at_once.inputs.equals(stated.inputs), "features saw outcomes as soon as the request was made"


def test_the_delay_of_enough_live_outcomes_is_the_default(tiny, tmp_path, stated):
    """The outcomes of 60 requests say as much as a declaration; those that are not here yet say nothing."""
    lake = lake_of(tiny, tmp_path, timedelta())
    add_outcomes(tiny, lake, *[3 * HOUR] * 60, *[30 * HOUR] * 100)
    measured = build_training_set(tiny.project, tiny.pipeline.features, lake=lake, until=tiny.now)
    assert measured.inputs.equals(stated.inputs)


def test_the_delay_is_the_median_until_the_arrival(tiny, tmp_path):
    lake = Lake(tmp_path)
    assert measure_delay(lake) is None
    add_outcomes(tiny, lake, *[2 * HOUR] * (MIN_OUTCOMES - 1))
    assert measure_delay(lake) is None, "too few"
    add_outcomes(tiny, lake, 9 * HOUR, 9 * HOUR, received_late=HOUR)
    assert measure_delay(lake) == (2 * HOUR, MIN_OUTCOMES + 1)
    add_outcomes(tiny, lake, *[7 * HOUR] * 100, received_late=3 * HOUR)
    assert measure_delay(lake) == (4 * HOUR, MIN_OUTCOMES + 101), "known after 4 hours, and received 3 hours later"
    assert measure_delay(lake, until=tiny.now - 15 * HOUR) is None, "49 outcomes had arrived by then"


def test_data_that_says_when_outcomes_became_known_is_left_alone(tiny):
    assert not lacks_known_at(tiny.project, tiny.lake)
    assert explain_delay(tiny.project, tiny.lake, tiny.pipeline.features) is None
    declared = with_delay(tiny.project, "3h")
    again = build_training_set(declared, tiny.pipeline.features, lake=tiny.lake, until=tiny.now)
    assert again.fingerprint == tiny.training.fingerprint


def test_the_warning_names_the_views_the_effect_and_what_to_declare(tiny, tmp_path):
    lake, features = lake_of(tiny, tmp_path, timedelta()), tiny.pipeline.features
    warning = explain_delay(tiny.project, lake, features)
    assert warning is not None
    assert "shop_1d, customer look at earlier outcomes" in warning
    assert "the backtest is too good" in warning
    assert 'outcome_delay = "3h"' in warning
    add_outcomes(tiny, lake, *[3 * HOUR] * 60)
    assert "known 3:00:00 after the request, the median of 60" in str(explain_delay(tiny.project, lake, features))
    assert explain_delay(with_delay(tiny.project, "3h"), lake, features) is None
    assert explain_delay(tiny.project, lake, Features(inputs=["amount"], views=[], derived={})) is None
