"""The orders of a made-up shop, from a seed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from mlops_lab.learn.labs.data.cases import Case
from mlops_lab.learn.labs.data.layout import Layout, NumberField, TextField
from mlops_lab.starter.samples import ORDER_COLUMNS, make_order

_LAYOUT = Layout(
    source="shop",
    id="order_id",
    time="ordered_at",
    label="late",
    key="customer",
    coarse_key="city",
    fields={
        "ordered_at": '"datetime"',
        "customer": '"string"',
        "city": '"string?"',
        "carrier": '"string?"',
        "items": '{ type = "integer?", min = 0 }',
        "weight_kg": '{ type = "float?", min = 0 }',
        "price": '{ type = "float?", min = 0 }',
        "express": '"boolean?"',
    },
    numbers=["items", "weight_kg", "price", "express"],
    categories=["city", "carrier"],
    parts=["hour", "weekday"],
    spoiled_numbers=[
        NumberField(name="weight_kg", raw="weight", factor=1000, low=0, high=60, right="kg", wrong="grams"),
        NumberField(name="price", raw="price", factor=100, low=0, high=5_000, right="EUR", wrong="cents"),
    ],
    spoiled_texts=[
        TextField(
            name="city",
            raw="destination",
            codes={"BER": "Berlin", "HAM": "Hamburg", "CGN": "Köln", "LEJ": "Leipzig", "MUC": "München"},
            renamed={"Köln": "Cologne", "München": "Munich"},
        )
    ],
    group="carrier",
    leak="delivery_hours",
    first_day=date(2025, 3, 3),  # a Monday
    per_day=0,
    seed=0,
)


class ShopData:
    """Orders, the same for the same seed."""

    def __init__(self, *, seed: int, per_day: int) -> None:
        values = {name: getattr(_LAYOUT, name) for name in _LAYOUT.__struct_fields__}
        self.layout = Layout(**{**values, "per_day": per_day, "seed": seed})

    def cases(self, first: int, days: int) -> list[Case]:
        """The orders of some days."""
        begin = self.layout.day(first)
        until_then = self._make(0, first + days, seed=self.layout.seed, prefix="A")  # one day is made after the other
        return [case for case in until_then if case.at.date() >= begin]

    def hidden(self, first: int, days: int) -> list[Case]:
        """Orders of these days that were not handed out: of another seed."""
        return self._make(first, days, seed=self.layout.seed + first + 1, prefix="H")

    def _make(self, first: int, days: int, *, seed: int, prefix: str) -> list[Case]:
        random, per_day = Random(seed), self.layout.per_day
        number = 10_000 + first * per_day
        cases = []
        for day in range(first, first + days):
            midnight = datetime.combine(self.layout.day(day), datetime.min.time())
            for minute in sorted(random.randrange(24 * 60) for _ in range(per_day)):
                values = make_order(midnight + timedelta(minutes=minute), random)
                named = dict(zip(ORDER_COLUMNS, [f"{prefix}-{number}", *values], strict=True))
                cases.append(Case(_typed(named), self.layout))
                number += 1
        return cases


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    """An order whose values have the types of its fields."""
    moments = {name: datetime.strptime(row[name], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC) for name in _MOMENTS}
    flags = {name: row[name] == "yes" for name in ("express", "late")}
    known_at = moments["known_at"]
    hours = round((known_at - moments["ordered_at"]).total_seconds() / 3600, 1)
    return {**row, **moments, **flags, "weight_kg": row["weight_kg"] or None, _LAYOUT.leak: hours}


_MOMENTS = ("ordered_at", "known_at")
