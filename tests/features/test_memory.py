"""The online store in memory: one store for all live versions."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.clock import to_micros
from mlops_lab.features import View, count, last, mean
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import make_fact_row

START = datetime(2013, 3, 1, tzinfo=UTC)
HOUR = View("hour", "orders", by="shop", over="1h", values={"amount": mean("amount")})
COUNTED = View("counted", "orders", by="shop", over="1h", values={"orders": count("amount")})
LATEST = View("latest", "orders", by="shop", values={"amount": last("amount")}, ttl="2h", missing={"amount": 1.0})
STOCK = View("stock", "stock", by="shop", values={"items": last("items")}, missing="refuse")


def order(shop, amount, minute=0, name="1"):
    moment = START + timedelta(minutes=minute)
    return make_fact_row({"shop": shop, "amount": amount}, moment, moment, name)


def read(store, view, minute, shop="a"):
    (values,), missing = store.read(view, [shop], [to_micros(START + timedelta(minutes=minute))])
    return (*values, missing.get(0))


def test_a_fact_is_added_to_every_view_of_its_table_and_no_other():
    store = MemoryStore([HOUR, LATEST, STOCK])
    store.add("orders", [order("a", 4.0)])
    store.add("a table without views", [order("a", 9.0)])
    assert read(store, HOUR, 1) == (4.0, None)
    assert read(store, LATEST, 1) == (4.0, None)
    assert read(store, STOCK, 1) == (None, "unknown")


def test_a_late_fact_counts_at_its_own_time():
    store = MemoryStore([HOUR])
    store.add(
        "orders", [order("a", amount, minute, str(minute)) for minute, amount in ((50, 2.0), (10, 4.0), (30, 9.0))]
    )
    assert [read(store, HOUR, minute)[0] for minute in (11, 31, 51, 80, 100, 120)] == [4.0, 6.5, 5.0, 5.5, 2.0, None]


@pytest.mark.parametrize(
    ("view", "shop", "minute", "expected"),
    [
        (HOUR, "a", 61, (None, "empty")),
        (HOUR, "new", 1, (None, "empty")),
        (HOUR, None, 1, (None, "no_key")),
        (COUNTED, "new", 1, (0.0, None)),  # a count of 0 is a value, nothing is missing
        (LATEST, "a", 120, (4.0, None)),
        (LATEST, "a", 120.1, (1.0, "stale")),
        (LATEST, "new", 1, (1.0, "unknown")),
        (LATEST, None, 1, (1.0, "no_key")),
    ],
)
def test_defaults_come_with_a_reason(view, shop, minute, expected):
    store = MemoryStore([view])
    store.add("orders", [order("a", 4.0)])
    assert read(store, view, minute, shop) == expected


def test_a_fact_that_was_always_known_is_in_no_window():
    store = MemoryStore([HOUR])
    store.add("orders", [make_fact_row({"shop": "a", "amount": 4.0}, None, None, "1")])
    assert read(store, HOUR, 1) == (None, "empty")
