"""The orders of a made-up shop, from a seed: what labs begin with, and the hidden ones that their checks send."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from mlops_lab.starter.samples import ORDER_COLUMNS, make_order

Request = dict[str, Any]
FIRST_DAY = date(2025, 3, 3)
"""A Monday: on it the first order of each lab is made."""


@dataclass(frozen=True)
class Order:
    """An order: `row` has its columns as text, as the shop's table has them."""

    row: dict[str, str]

    @property
    def id(self) -> str:
        """Its id."""
        return self.row["order_id"]

    @property
    def at(self) -> datetime:
        """When it was made."""
        return _moment(self.row["ordered_at"])

    @property
    def known_at(self) -> datetime:
        """When it was known whether it came late."""
        return _moment(self.row["known_at"])

    @property
    def late(self) -> bool:
        """Whether it came late."""
        return self.row["late"] == "yes"

    @property
    def request(self) -> Request:
        """What the web shop sends when it is made."""
        row = self.row
        return {
            "id": self.id,
            "ordered_at": self.at.isoformat(),
            "customer": row["customer"],
            "city": row["city"],
            "carrier": row["carrier"],
            "items": int(row["items"]),
            "weight_kg": float(row["weight_kg"]) if row["weight_kg"] else None,
            "price": float(row["price"]),
            "express": row["express"] == "yes",
        }

    @property
    def outcome(self) -> dict[str, Any]:
        """What the web shop sends when it is known."""
        return {"id": self.id, "known_at": self.known_at.isoformat(), "late": self.late}


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def make_orders(*, seed: int, days: int, per_day: int, first: date = FIRST_DAY, prefix: str = "A") -> list[Order]:
    """The orders of some days, the same for the same seed."""
    random, number = Random(seed), 0
    orders = []
    for day in range(days):
        midnight = datetime.combine(first + timedelta(days=day), datetime.min.time())
        for minute in sorted(random.randrange(24 * 60) for _ in range(per_day)):
            values = [f"{prefix}-{10_000 + number}", *make_order(midnight + timedelta(minutes=minute), random)]
            row = {name: str(value) for name, value in zip(ORDER_COLUMNS, values, strict=True)}
            orders.append(Order(row))
            number += 1
    return orders


def write_orders(path: Path, orders: Iterable[Order], *, columns: Sequence[str] = ORDER_COLUMNS) -> None:
    """Write a table of orders as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(order.row for order in orders)


def write_days(folder: Path, orders: Sequence[Order], *, first: date, days: int) -> None:
    """Write, for each day, the requests that were made on it, and the outcomes that became known on it,
    if there are any."""
    folder.mkdir(parents=True)
    for number in range(days):
        day = first + timedelta(days=number)
        made = (order for order in orders if order.at.date() == day)
        lines = "".join(f"{json.dumps(order.request, ensure_ascii=False)}\n" for order in made)
        (folder / f"{day}-orders.jsonl").write_text(lines, encoding="utf-8")
        known = [order.row for order in orders if order.known_at.date() == day]
        rows = "".join(f"{row['order_id']},{row['known_at']},{row['late']}\n" for row in known)
        if rows:
            (folder / f"{day}-outcomes.csv").write_text(f"id,known_at,late\n{rows}", encoding="utf-8")
