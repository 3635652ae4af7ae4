"""The online store in memory: one store for all live versions."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import to_micros
from mlops_lab.features import View, count, last, mean, memory
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import fact_rows, make_fact_row

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


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


facts = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.integers(0, 90),
        st.integers(0, 30),
        st.none() | st.integers(0, 5),
        st.sampled_from([1, 1, 1, -1]),
    ),
    max_size=25,
)


def frame_of(drawn) -> pl.DataFrame:
    moments = [
        (START + timedelta(minutes=known), START + timedelta(minutes=known + late)) for _, known, late, *_ in drawn
    ]
    columns = {
        "_fact_id": [f"{known} {value}" for _, known, _, value, _ in drawn],
        "_known_at": [known for known, _ in moments],
        "_seen_at": [seen for _, seen in moments],
        "_weight": [weight for *_, weight in drawn],
        "shop": [shop for shop, *_ in drawn],
        "amount": [value for *_, value, _ in drawn],
    }
    moment = pl.Datetime("us", "UTC")
    types = {"_fact_id": pl.String, "_known_at": moment, "_seen_at": moment, "shop": pl.String, "amount": pl.Float64}
    return pl.DataFrame(columns, schema_overrides=types)


@given(facts, facts, st.integers(0, 3), st.none() | st.integers(0, 150))
def test_facts_that_are_loaded_are_those_that_are_added(monkeypatch_module, before, after, read_at_once, since):
    """Whether an entity's facts are read at once, at its first look-up, or when one is added; from `since` on."""
    monkeypatch_module.setattr(memory, "READ_AT_ONCE", read_at_once)
    views = [HOUR, COUNTED, LATEST]
    loaded, added = MemoryStore(views), MemoryStore(views)
    moment = None if since is None else to_micros(START + timedelta(minutes=since))
    loaded.load("orders", frame_of(before), since=moment)
    added.add("orders", fact_rows(frame_of(before).iter_rows(named=True)))
    for store in (loaded, added):
        store.add("orders", fact_rows(frame_of(after).iter_rows(named=True)))
    for view in views:
        for shop in ("a", "b", "new", None):
            for minute in [minute for minute in (0, 30, 60.5, 90, 150) if since is None or minute >= since]:
                assert read(loaded, view, minute, shop) == read(added, view, minute, shop)


def test_an_entity_may_have_several_keys():
    view = View("both", "orders", by=["shop", "kind"], over="1h", values={"amount": mean("amount")})
    store = MemoryStore([view])
    facts = frame_of([("a", 1, 0, 2, 1), ("a", 2, 0, 4, 1), ("b", 1, 0, 9, 1)])
    store.load("orders", facts.with_columns(kind=pl.Series([1, 1, 2])))
    assert [read(store, view, 30, entity) for entity in (("a", 1), ("b", 2), ("a", 2))] == [
        (3.0, None),
        (9.0, None),
        (None, "empty"),
    ]
