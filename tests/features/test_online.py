"""The serving side: one store for all live versions."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.clock import to_micros
from mlops_lab.features.definition import View, last, mean
from mlops_lab.features.online import OnlineStore, ViewState

START = datetime(2013, 3, 1, tzinfo=UTC)
HOUR = View("hour", "orders", by="shop", over="1h", values={"amount": mean("amount")})
LATEST = View("latest", "orders", by="shop", values={"amount": last("amount")})
STOCK = View("stock", "stock", by="shop", values={"items": last("items")})


def test_a_fact_reaches_every_view_of_its_table_and_no_other():
    store = OnlineStore({view.version: view for view in (HOUR, LATEST, STOCK)})
    store.add("orders", {"shop": "a", "amount": 4.0}, known_at=START, fact_id="1")
    store.add("nobody asks for this", {"shop": "a"}, known_at=START, fact_id="1")
    now = to_micros(START) + 1
    assert store.states[HOUR.version].read("a", now) == (4.0,)
    assert store.states[LATEST.version].read("a", now) == (4.0,)
    assert store.states[STOCK.version].read("a", now) == (None,)


def test_a_late_fact_takes_its_place_in_the_past():
    state = ViewState(HOUR)
    for minute, amount in ((50, 2.0), (10, 4.0), (30, 9.0)):
        state.add({"shop": "a", "amount": amount}, START + timedelta(minutes=minute), str(minute))
    read = [state.read("a", to_micros(START + timedelta(minutes=minute)))[0] for minute in (11, 31, 51, 80, 100, 120)]
    assert read == [4.0, 6.5, 5.0, 5.5, 2.0, None]


@pytest.mark.parametrize("view", [HOUR, LATEST])
def test_an_unknown_entity_has_no_past(view):
    assert ViewState(view).read("a", to_micros(START)) == (None,)


def test_a_window_sees_no_fact_without_a_moment():
    state = ViewState(HOUR)
    state.add({"shop": "a", "amount": 4.0}, None, "1")
    assert state.entities == {}
