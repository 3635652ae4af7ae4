"""The year as a stream: nothing is told before it was known, everything is asked and told once."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.clock import day_start
from mlops_lab.project import load_project
from mlops_lab.replay.flights import World
from mlops_lab.replay.stream import Stream
from mlops_lab.tables.fields import source_fields

PROJECT = load_project(Path(__file__).parents[2] / "examples" / "flights")
ZONE = PROJECT.timezone
MOMENT = pl.Datetime("us", "UTC")


def check(world: World, first: date, last: date) -> int:
    """Play a stream and hold it to its promises; the number of requests."""
    stream = Stream(PROJECT, world.facts, first=first, last=last)
    asked: Counter[str] = Counter()
    told: Counter[str] = Counter()
    landed: Counter[str] = Counter()
    weather: list[tuple] = []
    now = day_start(first, ZONE)
    for day in stream.days:
        begin, end = stream.bounds(day)
        for stretch in stream.play(day):
            assert now <= stretch.begin < stretch.end <= end
            now = stretch.end
            for outcome in stretch.outcomes:
                assert begin <= outcome["known_at"] < stretch.end
                told[outcome["id"]] += 1
                assert told[outcome["id"]] <= asked[outcome["id"]]  # only about what was asked before
            for flight in stretch.rows["flights"]:
                assert begin <= flight["known_at"] < stretch.end
                landed[flight["flight_id"]] += 1
            for row in stretch.rows["weather"]:
                assert row["known_at"] < stretch.end
                weather.append((row["known_at"], row["origin"]))
            requests = [msgspec.json.decode(request) for request in stretch.requests]
            moments = [datetime.fromisoformat(request["scheduled_at"]) for request in requests]
            assert moments == sorted(moments)
            assert all(stretch.begin <= moment < stretch.end for moment in moments)
            facts = (*stretch.outcomes, *stretch.rows["flights"], *stretch.rows["weather"])
            assert all(fact["known_at"] >= stretch.begin for fact in facts)  # none comes after a request it may change
            asked.update(request["id"] for request in requests)
        now = end
        of_day = world.flights.filter(pl.col("scheduled_at").is_between(begin, end, closed="left"))["flight_id"]
        assert all(asked[flight] == 1 for flight in of_day)
        assert stream.count(until=end) == asked.total()
    told.update(outcome["id"] for outcome in stream.remainder())
    assert all(outcome["known_at"] >= stream.end for outcome in stream.remainder())
    inside = world.flights.filter(pl.col("scheduled_at").is_between(stream.start, stream.end, closed="left"))
    assert asked == told == Counter(inside["flight_id"].to_list())
    known = pl.col("known_at")
    in_flight = world.flights.filter(pl.col("scheduled_at") < stream.start, known >= stream.start, known < stream.end)
    assert landed == Counter(in_flight["flight_id"].to_list())
    expected = world.weather.filter(known >= stream.start, known < stream.end).select("known_at", "origin").rows()
    assert weather == sorted(weather)
    assert Counter(weather) == Counter(expected)
    return asked.total()


@pytest.mark.parametrize(
    ("first", "days", "requests"),
    [
        (date(2013, 3, 9), 3, 2500),  # the day of 23 hours
        (date(2013, 11, 2), 3, 2500),  # the day of 25 hours
        (date(2013, 12, 31), 1, 700),  # the last
    ],
)
def test_days_of_the_year_are_played_whole_and_in_time(world, first, days, requests):
    assert check(world, first, first + timedelta(days=days - 1)) > requests


def test_no_outcome_is_told_in_the_stretch_of_its_request(world):
    stream = Stream(PROJECT, world.facts, first=date(2013, 3, 1), last=date(2013, 3, 1))
    stretches = list(stream.play(date(2013, 3, 1)))
    assert len(stretches) > 10
    for stretch in stretches:
        asked = {msgspec.json.decode(request)["id"] for request in stretch.requests}
        assert asked.isdisjoint(outcome["id"] for outcome in stretch.outcomes)


def test_a_flight_in_the_air_at_the_start_is_a_row_of_the_source(world):
    stream = Stream(PROJECT, world.facts, first=date(2013, 3, 1), last=date(2013, 3, 1))
    rows = [row for stretch in stream.play(date(2013, 3, 1)) for row in stretch.rows["flights"]]
    assert len(rows) == 56
    assert {tuple(row) for row in rows} == {tuple(field.name for field in source_fields(PROJECT))}


def test_a_request_has_nothing_of_its_outcome(world):
    stream = Stream(PROJECT, world.facts, first=date(2013, 3, 1), last=date(2013, 3, 1))
    fields = {"id", *PROJECT.settings.source.request}
    for stretch in stream.play(date(2013, 3, 1)):
        assert all(set(msgspec.json.decode(request)) == fields for request in stretch.requests)


START = day_start(date(2013, 3, 9), ZONE)
flights = st.lists(st.tuples(st.integers(-24 * 60, 4 * 24 * 60), st.integers(1, 3 * 24 * 60)), max_size=25)
observations = st.lists(st.integers(-24, 96), max_size=20, unique=True)


@examples(40)
@given(flights, observations, st.integers(1, 3))
def test_any_world_is_played_whole_and_in_time(departures, hours, days):
    count = len(departures)
    made = pl.DataFrame(
        {
            "flight_id": [f"f{number}" for number in range(count)],
            "scheduled_at": [START + timedelta(minutes=minute) for minute, _ in departures],
            "carrier": ["AA"] * count,
            "flight": list(range(count)),
            "tailnum": [None] * count,
            "origin": ["JFK"] * count,
            "dest": ["LAX"] * count,
            "distance": [1.0] * count,
            "scheduled_minutes": [60] * count,
            "known_at": [START + timedelta(minutes=minute + wait) for minute, wait in departures],
            "late": [True] * count,
            "arrival_delay": [None] * count,
        },
        schema={
            **dict.fromkeys(["flight_id", "carrier", "tailnum", "origin", "dest"], pl.String),
            **dict.fromkeys(["scheduled_at", "known_at"], MOMENT),
            **dict.fromkeys(["flight", "scheduled_minutes"], pl.Int64),
            **dict.fromkeys(["distance", "arrival_delay"], pl.Float64),
            "late": pl.Boolean,
        },
    ).sort("scheduled_at", "flight_id")
    weather = pl.DataFrame(
        {"origin": ["JFK"] * len(hours), "known_at": [START + timedelta(hours=hour) for hour in hours]},
        schema={"origin": pl.String, "known_at": MOMENT},
    ).sort("known_at")
    check(World(made, weather, pl.DataFrame()), date(2013, 3, 9), date(2013, 3, 9) + timedelta(days=days - 1))


def test_bounds_are_days_of_the_project():
    empty = World(
        pl.DataFrame(
            schema={
                "flight_id": pl.String,
                "known_at": MOMENT,
                **dict.fromkeys(PROJECT.settings.source.request, pl.String),
                **dict.fromkeys(PROJECT.settings.source.outcome, pl.String),
                "scheduled_at": MOMENT,
            }
        ),
        pl.DataFrame(schema={"known_at": MOMENT}),
        pl.DataFrame(),
    )
    stream = Stream(PROJECT, empty.facts, first=date(2013, 3, 9), last=date(2013, 3, 11))
    assert stream.days == [date(2013, 3, 9), date(2013, 3, 10), date(2013, 3, 11)]
    assert stream.bounds(date(2013, 3, 10)) == (
        datetime(2013, 3, 10, 5, tzinfo=UTC),
        datetime(2013, 3, 11, 4, tzinfo=UTC),
    )
    assert list(stream.play(date(2013, 3, 10))) == []
