"""What release 4.2 of the web shop sent otherwise than it was learned; which, and since when, the seed decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from mlops_lab.learn.labs.orders import FIRST_DAY, Order, Request

PAST_DAYS, LIVE_DAYS, PER_DAY = 35, 16, 120
_NAMES = {"Köln": "Cologne", "München": "Munich"}
_CODES = {"Berlin": "BER", "Hamburg": "HAM", "Köln": "CGN", "Leipzig": "LEJ", "München": "MUC"}
_FACTORS = {"weight_kg": 1000, "price": 100}
_FIRST_LIVE = FIRST_DAY + timedelta(days=PAST_DAYS)


@dataclass(frozen=True)
class Skew:
    """A field that is sent otherwise from a day on."""

    field: str
    since: date

    def change(self, request: Request) -> Request:
        """The request as release 4.2 sends it."""
        value = request[self.field]
        if self.field == "city":
            return {**request, "city": _NAMES.get(value, value)}
        return {**request, self.field: None if value is None else round(value * _FACTORS[self.field])}


def plan_skews(seed: int) -> tuple[Skew, Skew]:
    """A text and a number, each from a day of its own."""
    random = Random(seed)
    first, second = random.sample(range(6, 12), 2)
    number = random.choice([*_FACTORS])
    return (
        Skew("city", _FIRST_LIVE + timedelta(days=first)),
        Skew(number, _FIRST_LIVE + timedelta(days=second)),
    )


def make_cart(order: Order) -> dict[str, Any]:
    """The cart of an order, as webshop/carts.md describes it."""
    request = order.request
    kept = {name: request[name] for name in ("id", "ordered_at", "customer", "carrier", "items", "express")}
    weight = request["weight_kg"]
    return {
        **kept,
        "destination": _CODES[request["city"]],
        "weight": None if weight is None else round(weight * 1000),
        "price": round(request["price"] * 100),
    }


def write_checkout(path: Path, template: str, fields: set[str]) -> None:
    """The web shop's program, with the faults of these fields."""
    right = {"weight_kg": "None if weight is None else weight / 1000", "price": "price / 100"}
    wrong = {"weight_kg": "weight", "price": "price"}
    for name, place in (("weight_kg", "{weight}"), ("price", "{price}")):
        template = template.replace(f'"{name}": {place}', f'"{name}": {(wrong if name in fields else right)[name]}')
    for name, english in _NAMES.items():
        template = template.replace(f"{{{name}}}", english if "city" in fields else name)
    path.write_text(template, encoding="utf-8")


def ask_as_then(order: Order, skews: tuple[Skew, ...]) -> Request:
    """The request that the web shop sent for an order."""
    request = order.request
    for skew in skews:
        if order.at.date() >= skew.since:
            request = skew.change(request)
    return request
