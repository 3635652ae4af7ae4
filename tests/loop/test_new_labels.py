"""How many labels have arrived since a moment."""

from pathlib import Path

import polars as pl
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import EPOCH
from mlops_lab.lake import Lake
from mlops_lab.loop.new_labels import count_new_labels


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_an_empty_lake_has_no_labels(tiny, lake):
    assert count_new_labels(tiny.project, lake, EPOCH, before=tiny.now) == 0


def test_accepted_outcomes_count_when_they_arrive_and_once(tiny, lake):
    since = tiny.now - 10 * HOUR
    write_outcomes(
        tiny,
        lake,
        {},
        {"known_at": since - HOUR, "predicted_at": since - 2 * HOUR},  # before
        {"known_at": since - HOUR, "predicted_at": since - 2 * HOUR, "received_at": since + HOUR},  # arrived since
        {"known_at": tiny.now},  # not known yet
        {"verdict": "conflict"},
        {"verdict": "corrected"},
    )
    assert count_new_labels(tiny.project, lake, since, before=tiny.now) == 2


def test_rows_of_the_source_table_count_when_they_became_known(tiny):
    known = pl.read_parquet(tiny.project.root / "data" / "orders.parquet")["known_at"]
    since = tiny.now - 48 * HOUR
    expected = int(((known >= since) & (known < tiny.now)).sum())
    assert expected > 0
    assert count_new_labels(tiny.project, tiny.lake, since, before=tiny.now) == expected
