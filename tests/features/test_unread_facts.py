"""Facts become rows for the entities that are looked up, once."""

from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.features.unread_facts import FactsByEntity, UnreadFacts

AT = datetime(2026, 3, 1, tzinfo=UTC)


def facts(keys: dict[str, list[object]]) -> pl.DataFrame:
    rows = len(next(iter(keys.values())))
    times = {"_known_at": [AT] * rows, "_seen_at": [AT] * rows, "_fact_id": [str(row) for row in range(rows)]}
    return pl.DataFrame({**times, **keys, "level": range(rows), "unused": ["x"] * rows})


def taken(unread: UnreadFacts, entity: object) -> list[str]:
    return [row.id for row in unread.take(entity)]


def test_each_entity_has_its_facts_in_their_order_and_once():
    by_entity = FactsByEntity(facts({"shop": ["b", "a", None, "b", "c", "b"]}), ["shop"])
    unread = UnreadFacts(by_entity)
    assert unread.larger_than(2) == ["b"]
    assert taken(unread, "b") == ["0", "3", "5"]
    assert taken(unread, "b") == taken(unread, "nobody") == taken(unread, None) == []
    assert taken(unread, "a") == ["1"]
    assert taken(UnreadFacts(by_entity), "b") == ["0", "3", "5"], "another view"


def test_an_entity_of_several_keys_is_a_tuple():
    rows = facts({"shop": ["a", "a", "b", "a"], "number": [2, 1, 2, 1]})
    unread = UnreadFacts(FactsByEntity(rows, ["shop", "number"]))
    assert taken(unread, ("a", 1)) == ["1", "3"]
    assert taken(unread, ("a", 2)) == ["0"]


def test_what_was_known_too_early_is_left_out():
    moments = pl.Series([AT, None, AT - timedelta(hours=1), AT + timedelta(hours=1)])
    rows = facts({"shop": ["a", "a", "a", "a"]}).with_columns(_known_at=moments, _seen_at=moments)
    by_entity = FactsByEntity(rows, ["shop"])
    assert taken(UnreadFacts(by_entity, oldest=to_micros(AT)), "a") == ["0", "3"]
    assert taken(UnreadFacts(by_entity), "a") == ["0", "1", "2", "3"]


def test_there_may_be_none():
    assert taken(UnreadFacts(FactsByEntity(facts({"shop": ["a"]}).clear(), ["shop"])), "a") == []
