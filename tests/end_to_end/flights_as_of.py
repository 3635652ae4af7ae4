"""The features of the flights project once more, from docs/features.md alone: plain loops and fractions, one request
at a time, over all flights and all weather of the year. Nothing here uses the code that it checks."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from mlops_lab.replay.flights import World

Fact = dict[str, Any]
NEW_YORK = ZoneInfo("America/New_York")
WEATHER = ["temperature", "humidity", "wind_speed", "wind_gust", "precipitation", "pressure", "visibility"]
MOST_WIND = 200  # the contract sets aside what is above


class Timelines:
    """By entity, the facts in the order in which they became known; of the same moment, by id."""

    def __init__(self, facts: Iterable[Fact], keys: Sequence[str]) -> None:
        self._facts: defaultdict[tuple[Any, ...], list[Fact]] = defaultdict(list)
        for fact in facts:
            self._facts[tuple(fact[key] for key in keys)].append(fact)
        self._times = {entity: [fact["known_at"] for fact in line] for entity, line in self._facts.items()}

    def window(self, entity: tuple[Any, ...], at: datetime, length: timedelta) -> list[Fact]:
        """The facts known before `at`, and not longer before it than `length`."""
        times = self._times.get(entity, [])
        return self._facts[entity][bisect_left(times, at - length) : bisect_left(times, at)]

    def latest(self, entity: tuple[Any, ...], at: datetime, ttl: timedelta) -> Fact | None:
        """The last fact known before `at`; None where it is older than `ttl`."""
        facts = self.window(entity, at, ttl)
        return facts[-1] if facts else None


@dataclass(frozen=True)
class AsOf:
    """Computes the features of a flight as of its own time."""

    by_origin: Timelines
    by_carrier: Timelines
    by_dest: Timelines
    by_route: Timelines
    by_aircraft: Timelines
    weather: Timelines
    seats: dict[str, int | None]

    @classmethod
    def of(cls, world: World) -> AsOf:
        """From all that happened, whoever told it to the project, and when."""
        flights = sorted(world.flights.to_dicts(), key=lambda fact: (fact["known_at"], fact["flight_id"]))
        with_aircraft = [fact for fact in flights if fact["tailnum"] is not None]
        weather = sorted(world.weather.to_dicts(), key=lambda fact: fact["known_at"])
        return cls(
            by_origin=Timelines(flights, ["origin"]),
            by_carrier=Timelines(flights, ["carrier"]),
            by_dest=Timelines(flights, ["dest"]),
            by_route=Timelines(flights, ["origin", "dest"]),
            by_aircraft=Timelines(with_aircraft, ["tailnum"]),
            weather=Timelines((row for row in weather if (row["wind_speed"] or 0) <= MOST_WIND), ["origin"]),
            seats={row["tailnum"]: row["seats"] for row in world.planes.iter_rows(named=True)},
        )

    def features(self, flight: Fact) -> dict[str, Any]:
        """All values that are looked up or derived for this request."""
        at, hours, days = flight["scheduled_at"], lambda n: timedelta(hours=n), lambda n: timedelta(days=n)
        local = at.astimezone(NEW_YORK)
        origin, dest, route = (flight["origin"],), (flight["dest"],), (flight["origin"], flight["dest"])
        last_hour = self.by_origin.window(origin, at, hours(1))
        towards = delays(self.by_dest.window(dest, at, hours(3)))
        on_route = self.by_route.window(route, at, days(14))
        aircraft = self.by_aircraft.latest((flight["tailnum"],), at, days(7)) or {}
        landed_at = aircraft.get("known_at")
        weather = self.weather.latest(origin, at, hours(6)) or {}
        return {
            "hour": local.hour,
            "weekday": local.isoweekday(),
            "late_1h": mean([Fraction(fact["late"]) for fact in last_hour]),
            "seen_1h": float(len(last_hour)),
            "origin_delay_3h": mean(delays(self.by_origin.window(origin, at, hours(3)))),
            "origin_delay_24h": mean(delays(self.by_origin.window(origin, at, hours(24)))),
            "carrier_delay_7d": mean(delays(self.by_carrier.window((flight["carrier"],), at, days(7)))),
            "dest_delay": mean(towards),
            "dest_worst": float(max(towards)) if towards else None,
            "route_delay": mean(delays(on_route)) if on_route else 0.0,
            "route_spread": deviation(delays(on_route)),
            "aircraft_delay": aircraft.get("arrival_delay"),
            "aircraft_minutes": aircraft.get("scheduled_minutes"),
            "hours_since_landing": None if landed_at is None else (at - landed_at) // timedelta(minutes=1) / 60,
            "seats": self.seats.get(flight["tailnum"]),
            **{name: weather.get(name) for name in WEATHER},
        }


def delays(facts: Iterable[Fact]) -> list[Fraction]:
    """The delays of those that arrived."""
    return [Fraction(fact["arrival_delay"]) for fact in facts if fact["arrival_delay"] is not None]


def mean(values: Sequence[Fraction]) -> float | None:
    """Their mean, rounded once; None of none."""
    return float(sum(values) / len(values)) if values else None


def deviation(values: Sequence[Fraction]) -> float | None:
    """Their sample standard deviation as the nearest float; None of fewer than two."""
    if len(values) < 2:
        return None
    middle = sum(values) / len(values)
    variance = sum((value - middle) ** 2 for value in values) / (len(values) - 1)
    return nearest_root(variance)


def nearest_root(square: Fraction) -> float:
    """The float whose distance to the root is the smallest, found by comparing squares of fractions."""
    root = math.sqrt(square)
    while square > ((Fraction(root) + Fraction(math.nextafter(root, math.inf))) / 2) ** 2:
        root = math.nextafter(root, math.inf)
    while root and square < ((Fraction(root) + Fraction(math.nextafter(root, 0.0))) / 2) ** 2:
        root = math.nextafter(root, 0.0)
    return root
