"""The outcomes with their answers: in which window they count, and with which label."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import accepted_since, corrected_arrivals, outcomes_in, predictions_in, task_of
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import PREDICTIONS


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def yesterday(tiny) -> Window:
    return Window(days_before(tiny.now, 1, tiny.project.timezone), tiny.now)


def test_the_predictions_of_a_day_begin_at_midnight_and_end_before_the_next(tiny, lake):
    began = days_before(tiny.now, 1, tiny.project.timezone)
    moments = {"before": began - HOUR, "first": began, "last": tiny.now - timedelta(microseconds=1), "after": tiny.now}
    rows = [{"id": name, "at": at, "asked_at": at, "shop": "a", "express": True} for name, at in moments.items()]
    PREDICTIONS.append(lake, pl.DataFrame(rows, schema=PREDICTIONS.schema(tiny.project)))
    assert predictions_in(lake, yesterday(tiny))["id"].to_list() == ["first", "last"]


def test_accepted_outcomes_are_read_in_the_order_of_their_ids(tiny, lake):
    write_outcomes(tiny, lake, {"id": "b"}, {"id": "c", "verdict": "unknown"})
    write_outcomes(tiny, lake, {"id": "a"})
    assert accepted_since(tiny.project, lake, tiny.now - 5 * HOUR, known_by=tiny.now)["id"].to_list() == ["a", "b"]


def test_the_task_is_that_of_the_package(tiny):
    assert task_of(tiny.project, tiny.package).kind == "binary"


def test_a_corrected_outcome_counts_from_when_it_arrived_in_the_window_of_the_first(tiny, lake):
    day = yesterday(tiny)
    first = {"id": "a", "known_at": day.began - 3 * HOUR, "predicted_at": day.began - 4 * HOUR, "late": True}
    again = {**first, "verdict": "corrected", "known_at": day.began + HOUR, "late": False}
    last = {**again, "known_at": day.began + 2 * HOUR, "received_at": day.began + 5 * HOUR, "late": True}
    write_outcomes(tiny, lake, first, again, last, {"id": "b", "known_at": day.began - 3 * HOUR})
    before = Window(day.began - 24 * HOUR, day.began)

    def labels(known_by):
        return outcomes_in(tiny.project, lake, before, known_by=known_by)["late"].to_list()

    assert labels(day.began) == [True, True]
    assert labels(day.began + 3 * HOUR) == [False, True], "the last one is known, and not here yet"
    assert labels(day.end) == [True, True]
    assert outcomes_in(tiny.project, lake, day, known_by=day.end).is_empty()
    assert corrected_arrivals(tiny.project, lake, day).to_list() == [day.began - 3 * HOUR]
    assert corrected_arrivals(tiny.project, lake, before).is_empty()
