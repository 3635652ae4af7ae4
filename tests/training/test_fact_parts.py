"""Parts of the facts of a training: together they are the facts that are read at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.arrival import Arrival
from mlops_lab.training.fact_parts import FactParts
from mlops_lab.training.outcome_delay import read_training_facts

START = datetime(2013, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def orders(numbers: range, **columns: Any) -> pl.DataFrame:
    rows = [
        {
            "order_id": f"o{number}",
            "asked_at": START + number * HOUR,
            "customer": "a",
            "shop": "x",
            "amount": 1.0,
            "express": False,
            "known_at": START + (number + number % 3) * HOUR,
            "late": True,
            "minutes": float(number),
        }
        for number in numbers
    ]
    return pl.DataFrame(rows).with_columns(**{name: pl.lit(value) for name, value in columns.items()})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three files of orders, then a correction of four of them, with which two became known in another range."""
    lake = Lake(tmp_path)
    for begin in (0, 10, 20):
        lake.append("orders", orders(range(begin, begin + 10)), time="known_at")
    corrected = orders(range(5, 9), minutes=0.5, received_at=START + 40 * HOUR, received_as=Arrival.CORRECTION.value)
    moved = pl.col("known_at") + pl.when(pl.col("order_id") < "o7").then(20 * HOUR).otherwise(0 * HOUR)
    lake.append("orders", corrected.with_columns(moved.alias("known_at")), time="known_at")
    return lake


@pytest.mark.parametrize("until", [START + 39 * HOUR, START + 41 * HOUR, None])
@pytest.mark.parametrize("facts_at_once", [1, 15, 1000])
def test_together_they_are_all_facts(tiny: Any, lake: Lake, until: datetime | None, facts_at_once: int) -> None:
    expected = read_training_facts(tiny.project, lake, until=until)
    parts = FactParts(tiny.project, lake, until=until, facts_at_once=facts_at_once)
    for table in ("orders", "stock"):
        read = list(parts.read(table))
        assert (len(read) > 1) == (table == "orders" and facts_at_once < 30)
        both = pl.concat(read)
        order = ["_known_at", "_fact_id"]
        assert_frame_equal(both.sort(order), expected[table].sort(order), check_column_order=False)


def test_for_views_only_their_columns_are_read(tiny: Any, lake: Lake) -> None:
    parts = list(FactParts(tiny.project, lake, facts_at_once=15).for_views({"orders": {"shop", "minutes"}}))
    assert [part.until is None for part in parts] == [False] * (len(parts) - 1) + [True]
    for part, after in pairwise(parts):
        moments, later = (each.facts["orders"]["_known_at"].to_list() for each in (part, after))
        assert part.until is not None
        assert max(moments) < part.until <= min(later)
    columns = set(parts[0].facts["orders"].columns)
    assert {"shop", "minutes", "_fact_id", "_known_at", "_seen_at"} <= columns
    assert not {"amount", "express", "late"} & columns


def test_the_outcomes_of_rows_without_a_moment_are_known_later(
    tmp_path: Path, write_project: Callable[..., Project]
) -> None:
    """See `outcome_delay`: the same moments as when all facts are read at once."""
    project = write_project(tmp_path, ('known_at = "known_at"\nlabel', 'outcome_delay = "90m"\nlabel'))
    lake = Lake(tmp_path / "lake")
    for begin in (0, 10):
        made_up = orders(range(begin, begin + 10)).with_columns(
            pl.col("asked_at").alias(project.settings.source.known_at)
        )
        lake.append("orders", made_up, time=project.settings.source.known_at)
    expected = read_training_facts(project, lake)["orders"]
    found = pl.concat(FactParts(project, lake, facts_at_once=1).read("orders"))
    assert_frame_equal(found, expected, check_column_order=False)
    assert (found["_known_at"] - found["asked_at"]).unique().to_list() == [1.5 * HOUR]
