"""The Redis store without a Redis: how replies become values, and what happens while it is unavailable.

`test_as_of.py` checks it against a real one.
"""

from datetime import timedelta

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features import View, largest, last, mean
from mlops_lab.features.online import Fact, FactRow
from mlops_lab.features.redis import RedisStore, _encode_fact, drop_store

LATEST = View("latest", "t", by="k", values={"x": last("x")}, missing={"x": 0.5})
HOUR = View("hour", "t", by="k", over="1h", values={"m": mean("x"), "top": largest("x")})
encode = msgspec.msgpack.Encoder().encode


@pytest.fixture
def store():
    return RedisStore("redis://127.0.0.1:1/0", project="p", views=[LATEST, HOUR], keep=timedelta(1))


def test_while_redis_does_not_respond_its_views_are_unavailable(store):
    store.add("t", [FactRow({"k": "a", "x": 1.0}, 1, 1, "1")])
    assert store.read(LATEST, ["a", "b"], [2, 2]) == ([(0.5,), (0.5,)], {0: "unavailable", 1: "unavailable"})
    assert store.read(HOUR, ["a"], [2]) == ([(None, None)], {0: "unavailable"})
    with pytest.raises(EnvironmentFault) as caught:
        store.open()
    assert caught.value.code == "store_gone"
    assert store.versions == {LATEST.version, HOUR.version}


def test_facts_that_cannot_be_deleted_are_an_error():
    with pytest.raises(EnvironmentFault) as caught:
        drop_store("redis://127.0.0.1:1/0", project="p")
    assert caught.value.code == "store_gone"


def test_replies_become_values(store):
    facts = [Fact(9, 5, "2", (3.0,)), Fact(5, 5, "1", (2.0,)), Fact(4, 4, "3", (1.0,))]
    replies = [encode(fact) for fact in facts]
    reader = store._readers[LATEST.version]
    assert store._result(reader, "a", 8, replies) == ((2.0,), None), "the greater id is not seen yet"
    assert store._result(reader, "a", 10, replies) == ((3.0,), None)
    assert store._result(reader, "a", 8, []) == ((0.5,), "unknown")
    assert store._result(reader, None, 8, replies) == ((0.5,), "no_key")
    windowed = [encode(fact._replace(values=(fact.values[0],) * 2)) for fact in facts]
    assert store._result(store._readers[HOUR.version], "a", 8, windowed) == ((1.5, 2.0), None)


def test_keys_of_different_entities_and_views_differ(store):
    entities = ["a", "b", 1, "1", ("a", "b"), ("a", 1)]
    keys = {store._key(view.version, entity) for view in (LATEST, HOUR) for entity in entities}
    assert len(keys) == 2 * len(entities)
    assert all(key.startswith(b"mlops:p:") for key in keys)


def test_a_fact_is_stored_as_a_list_of_its_four_parts():
    fact = Fact(9, 5, "2", (3.0, None, "x"))
    assert _encode_fact(fact) == encode([9, 5, "2", [3.0, None, "x"]]), "as every version stored it"
    assert msgspec.msgpack.decode(_encode_fact(fact), type=Fact) == fact


def test_a_retraction_is_stored_with_its_weight():
    retraction = Fact(9, 5, "2", (3.0,), -1)
    assert _encode_fact(retraction) == encode([9, 5, "2", [3.0], -1])
    assert msgspec.msgpack.decode(_encode_fact(retraction), type=Fact) == retraction


def test_retracted_facts_of_a_reply_do_not_count(store):
    facts = [Fact(5, 5, "2", (3.0,)), Fact(7, 5, "2", (3.0,), -1), Fact(7, 5, "2", (2.0,)), Fact(4, 4, "1", (1.0,))]
    replies = [_encode_fact(fact) for fact in facts]
    reader = store._readers[LATEST.version]
    assert store._result(reader, "a", 7, replies) == ((3.0,), None)
    assert store._result(reader, "a", 8, replies) == ((2.0,), None)
    assert store._result(reader, "a", 8, [replies[0], replies[1], replies[3]]) == ((1.0,), None)
    windowed = [_encode_fact(fact._replace(values=fact.values * 2)) for fact in facts]
    hour = store._readers[HOUR.version]
    assert [store._result(hour, "a", moment, windowed)[0] for moment in (7, 8)] == [(2.0, 3.0), (1.5, 2.0)]
