"""The flights that left New York in 2013, at the moment of their departure: will they arrive late?

The demo asks at the scheduled departure, and needs views of a whole year for an answer that is worth something. At
the departure the delay so far says a lot, so that a few weeks with some hundred flights are enough.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import polars as pl

from mlops_lab.learn.labs.data.layout import KNOWN_AT, Layout, Needs, NumberField, TextField
from mlops_lab.learn.labs.data.table import TableData
from mlops_lab.replay.flights import read_flights

_FIRST_MONDAY, _LAST_DAY = date(2013, 1, 7), date(2013, 12, 30)
_ORIGINS = ["EWR", "JFK", "LGA"]
LEAK = "delay_on_arrival"


def prepare_flights(needs: Needs, *, seed: int) -> TableData:
    """Flights of some weeks, a sample of each day; the seed chooses both."""
    weeks = ((_LAST_DAY - _FIRST_MONDAY).days - needs.days) // 7
    first = _FIRST_MONDAY + timedelta(weeks=Random(seed).randrange(weeks))
    layout = _layout(first, needs.per_day, seed=seed)
    departed = pl.col("scheduled_at") + pl.duration(minutes="departure_delay")
    flights = (
        read_flights()
        .filter(pl.col("departure_delay").is_not_null(), pl.col("tailnum").is_not_null())
        .with_columns(departed_at=departed, **{LEAK: pl.col("arrival_delay")})
        .filter(
            pl.col("departed_at").dt.date().is_between(first, layout.day(needs.days - 1)),
            pl.col(KNOWN_AT) > pl.col("departed_at"),
        )
        .select(*layout.columns, LEAK)
        .sort("departed_at", "flight_id")
    )
    drawn = pl.int_range(pl.len()).shuffle(seed=seed).over(pl.col("departed_at").dt.date())
    return TableData(layout, flights.filter(drawn < needs.per_day))


def _layout(first: date, per_day: int, *, seed: int) -> Layout:
    return Layout(
        source="flights",
        id="flight_id",
        time="departed_at",
        label="late",
        key="tailnum",
        coarse_key="carrier",
        fields={
            "departed_at": '"datetime"',
            "tailnum": '"string"',
            "carrier": '"string?"',
            "origin": '"string?"',
            "dest": '"string?"',
            "distance": '{ type = "float?", min = 0 }',
            "scheduled_minutes": '{ type = "integer?", min = 0 }',
            "departure_delay": '"float?"',
        },
        numbers=["distance", "scheduled_minutes", "departure_delay"],
        categories=["carrier", "origin", "dest"],
        parts=["hour", "weekday"],
        spoiled_numbers=[
            NumberField(
                name="departure_delay",
                raw="seconds_late",
                factor=60,
                low=-120,
                high=1500,
                right="minutes",
                wrong="seconds",
            )
        ],
        spoiled_texts=[
            TextField(
                name="origin",
                raw="airport",
                codes={f"K{name}": name for name in _ORIGINS},
                renamed={name: f"K{name}" for name in ("EWR", "LGA")},
            )
        ],
        group="origin",
        leak=LEAK,
        first_day=first,
        per_day=per_day,
        seed=seed,
    )
