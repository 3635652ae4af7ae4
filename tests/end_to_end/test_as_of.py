"""What a demo's server saw is what the features' definition says, in every cell, to the last bit.

The parity check of the project cannot find a fact that never reached the project: neither side has it. So here the
definition is written a second time, over all that happened in the year.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from flights_as_of import AsOf, deviation
from hypothesis import given
from hypothesis import strategies as st
from replaying import SPAN, Replayed, replay

from mlops_lab.clock import day_start
from mlops_lab.lake import Lake
from mlops_lab.project import load_project
from mlops_lab.replay.flights import World, read_world
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.fields import request_fields

pytestmark = pytest.mark.timeout(900)
FOURTEEN_DAYS = ("2013-03-01", "2013-03-14")
LONGEST_WINDOW = timedelta(days=14)


@pytest.fixture(scope="module")
def year() -> World:
    return read_world()


def differing_cells(folder: Path, year: World, *, predictions: int) -> list[tuple[str, str, object, object]]:
    """(id, feature, served, defined) of each cell that differs, in some of the predictions of a demo."""
    project = load_project(folder)
    served = PREDICTIONS.read(Lake(project.lake_path)).sort("id").to_dicts()
    sample = random.Random(1).sample(served, predictions)
    asked = year.flights.filter(pl.col("flight_id").is_in([row["id"] for row in sample]))
    flights = {flight["flight_id"]: flight for flight in asked.iter_rows(named=True)}
    moments = [row["at"] for row in sample]
    recent = pl.col("known_at").is_between(min(moments) - LONGEST_WINDOW, max(moments))
    as_of = AsOf.of(replace(year, flights=year.flights.filter(recent), weather=year.weather.filter(recent)))
    requested = [field.name for field in request_fields(project)]
    differing = []
    for row in sample:
        flight = flights[row["id"]]
        defined = {**as_of.features(flight), **{name: flight[name] for name in requested}}
        assert row.keys() == {*PREDICTIONS.fixed_schema, "output", *defined}, "every column is compared"
        differing += [(row["id"], name, row[name], value) for name, value in defined.items() if row[name] != value]
    return differing


@pytest.mark.slow
def test_a_sample_of_a_short_demo_is_as_defined(replayed: Replayed, year: World) -> None:
    assert differing_cells(replayed.folder, year, predictions=200) == []


@pytest.mark.slow
def test_many_predictions_of_two_weeks_are_as_defined(tmp_path: Path, year: World) -> None:
    replay(tmp_path / "demo", FOURTEEN_DAYS)
    assert differing_cells(tmp_path / "demo", year, predictions=1500) == []


@pytest.mark.slow
def test_a_lost_fact_would_be_seen(replayed: Replayed, year: World) -> None:
    """As if the flights in the air at the start had never been told to the project, or one of them."""
    start = day_start(date.fromisoformat(SPAN[0]), load_project(replayed.folder).timezone)
    in_flight = (pl.col("scheduled_at") < start) & (pl.col("known_at") >= start)
    lost = year.flights.filter(in_flight)["flight_id"]
    assert len(lost) == 56
    without = replace(year, flights=year.flights.filter(~in_flight))
    differing = differing_cells(replayed.folder, without, predictions=100)
    assert {"origin_delay_24h", "carrier_delay_7d", "route_spread"} <= {name for _, name, _, _ in differing}
    rows = Lake(load_project(replayed.folder).lake_path).read("flights")
    assert rows["flight_id"].is_unique().all()
    assert lost.is_in(rows["flight_id"].implode()).all()


@given(st.lists(st.integers(-(10**6), 10**6).map(Fraction), min_size=2, max_size=8), st.integers(1, 1000))
def test_the_deviation_of_the_definition_is_that_of_the_standard_library(values: list[Fraction], unit: int) -> None:
    scaled = [value / unit for value in values]
    assert deviation(scaled) == statistics.stdev(scaled)
