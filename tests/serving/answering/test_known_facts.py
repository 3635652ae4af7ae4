"""The facts of a worker: views find them, and a row that is sent again is recognized."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_lab.clock import to_micros
from mlops_lab.features import View, last
from mlops_lab.journal.records import FactRecord, OutcomeRecord, PredictionRecord
from mlops_lab.serving.answering.known_facts import KnownFacts, fact_id
from mlops_lab.serving.answering.schemas import Schemas

AT = datetime(2013, 3, 1, tzinfo=UTC)
STOCK = View("stock", "stock", by="shop", values={"items": last("items")})
ORDERS = View("orders", "orders", by="shop", values={"minutes": last("minutes")})
ORDER = {
    "order_id": "o1",
    "asked_at": AT,
    "customer": None,
    "shop": "a",
    "amount": 2.0,
    "express": False,
    "known_at": AT,
    "late": False,
    "minutes": 12.0,
}


@pytest.fixture
def facts(write_project, tmp_path) -> KnownFacts:
    project = write_project(tmp_path)
    return KnownFacts(project, Schemas(project), views=[STOCK, ORDERS])


def stock(shop: str, hours: float, items: float, *, received_after: float | None = None) -> FactRecord:
    received_at = None if received_after is None else AT + timedelta(hours=received_after)
    return FactRecord("stock", {"shop": shop, "known_at": AT + timedelta(hours=hours), "items": items}, received_at)


def read(facts: KnownFacts, view: View, hours: float) -> object:
    """What a view finds about shop "a" so many hours later."""
    values, missing = facts.store.read(view, ["a"], [to_micros(AT + timedelta(hours=hours))])
    return missing.get(0) or values[0][0]


def test_a_view_finds_a_fact_after_it_was_known(facts):
    facts.add_fact(stock("a", 1, 5.0))
    assert read(facts, STOCK, 0.5) == "unknown"
    assert read(facts, STOCK, 2) == 5.0


def test_a_view_finds_a_late_fact_only_after_it_was_received(facts):
    facts.add_fact(stock("a", 1, 5.0, received_after=3))
    assert read(facts, STOCK, 2) == "unknown"
    assert read(facts, STOCK, 4) == 5.0


def test_rows_are_kept_by_key_and_moment(facts):
    for fact in (stock("a", 2, 5.0), stock("a", 1, 6.0), stock("b", 1, 7.0)):
        facts.add_fact(fact)
    for fact in (stock("a", 2, 5.0), stock("a", 1, 6.0), stock("b", 1, 7.0)):
        assert facts.is_same("stock", fact.row)
    assert facts.is_same("stock", stock("b", 2, 7.0).row) is None
    assert facts.newest == {"stock": AT + timedelta(hours=2)}


def outcome(prediction: PredictionRecord | None) -> OutcomeRecord:
    return OutcomeRecord("x", AT + timedelta(hours=1), "accepted", {"late": True, "minutes": 30.0}, prediction)


def test_an_accepted_outcome_is_a_fact_about_its_request(facts):
    request = {"asked_at": AT, "customer": None, "shop": "a", "amount": None, "express": False}
    facts.add_outcome(outcome(PredictionRecord("x", AT, 1, "champion", 0.5, request, ())))
    assert read(facts, ORDERS, 0.5) == "unknown"
    assert read(facts, ORDERS, 2) == 30.0


def test_an_outcome_without_its_prediction_is_a_fact_already(facts):
    facts.add_outcome(outcome(None))
    assert read(facts, ORDERS, 2) == "unknown"


def test_the_facts_of_a_state_are_loaded(facts, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    known_at = [AT + timedelta(minutes=minute) for minute in range(1200)]
    rows = {"shop": "a", "known_at": known_at, "items": [float(number) for number in range(1200)]}
    ids = {"_known_at": known_at, "_seen_at": known_at, "_fact_id": [f"{number:04}" for number in range(1200)]}
    pl.DataFrame(rows | ids).write_parquet(state / "stock.parquet")
    orders = [
        {**ORDER, "_known_at": AT, "_seen_at": AT, "_fact_id": name, "_of_outcome": name == "o2", "_weight": weight}
        for name, weight in (("o1", 1), ("o2", 1), ("o3", 1), ("o3", -1))
    ]
    pl.DataFrame(orders).drop("order_id").write_parquet(state / "orders.parquet")
    facts.load(state, known_since={})
    assert read(facts, STOCK, 10) == 599.0
    assert read(facts, ORDERS, 1) == 12.0
    assert facts.is_same("stock", stock("a", 1, 60.0).row) is True
    assert facts.is_same("stock", stock("a", 1, 61.0).row) is False
    assert facts.newest == {"stock": known_at[-1]}
    assert facts.is_same("orders", {**ORDER, "order_id": "o1"}) is True
    assert facts.is_same("orders", {**ORDER, "order_id": "o1", "minutes": 5.0}) is False
    assert facts.is_same("orders", {**ORDER, "order_id": "o2"}) is None, "the prediction index recognizes it"
    assert facts.is_same("orders", {**ORDER, "order_id": "o3"}) is None, "it was retracted"


def test_a_row_of_the_source_is_a_fact_about_its_request(facts):
    assert facts.is_same("orders", ORDER) is None
    facts.add_fact(FactRecord("orders", ORDER, AT + timedelta(hours=3)))
    assert facts.is_same("orders", ORDER) is True
    assert read(facts, ORDERS, 3) == "unknown", "it was received late"
    assert read(facts, ORDERS, 4) == 12.0


def test_a_row_of_a_table_is_compared_by_its_values(facts):
    facts.add_fact(stock("a", 1, 5.0))
    assert facts.is_same("stock", stock("a", 1, 5.0).row) is True
    assert facts.is_same("stock", stock("a", 1, 6.0).row) is False
    assert facts.is_same("stock", stock("a", 2, 5.0).row) is None


def test_the_corrections_of_a_state_are_loaded(facts, tmp_path):
    """A fact of shop "a" was corrected after two hours; the row that is recognized is the new one."""
    at, later = AT, AT + timedelta(hours=2)
    rows = {"shop": ["a", "a", "a"], "known_at": [at] * 3, "items": [5.0, 5.0, 6.0], "_fact_id": ["a"] * 3}
    rows |= {"_known_at": [at] * 3, "_seen_at": [at, later, later]}
    for order in ([0, 1, 2], [0, 2, 1]):
        frame = pl.DataFrame(rows).with_columns(pl.Series("_weight", [None, -1, 1], dtype=pl.Int8))[order]
        frame.write_parquet(tmp_path / "stock.parquet")
        facts.load(tmp_path, known_since={})
        assert [read(facts, STOCK, hours) for hours in (1, 3)] == [5.0, 6.0]
        assert [facts.is_same("stock", stock("a", 0, items).row) for items in (5.0, 6.0)] == [False, True]


def test_the_name_of_a_fact_is_its_key():
    row = {"shop": "a", "number": 3, "items": 5}
    assert fact_id(["shop"], row) == "a"
    assert fact_id(["shop", "number"], row) == "a\x1f3"
    assert fact_id(["shop", "number"], row) != fact_id(["shop", "number"], {**row, "number": 4})
