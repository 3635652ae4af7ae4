"""What all online stores share: fact rows and entities."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import to_micros
from mlops_lab.features.online import ALWAYS, entity_of, make_fact_row

moments = st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(moments, moments)
def test_a_fact_is_never_seen_before_it_is_known(known_at, seen_at):
    fact_row = make_fact_row({"a": 1}, known_at, seen_at, "1")
    assert fact_row.known == (ALWAYS if known_at is None else to_micros(known_at))
    assert fact_row.seen >= fact_row.known
    if seen_at is not None and (known_at is None or seen_at >= known_at):
        assert fact_row.seen == to_micros(seen_at)


def test_times_are_microseconds():
    start = datetime(1970, 1, 1, tzinfo=UTC)
    fact_row = make_fact_row({}, start + timedelta(microseconds=3), start + timedelta(seconds=1), "x")
    assert (fact_row.known, fact_row.seen, fact_row.id, fact_row.weight) == (3, 1_000_000, "x", 1)
    assert make_fact_row({}, start, start, "x", weight=-1).weight == -1


def test_the_entity_is_the_value_of_the_key_or_a_tuple():
    assert entity_of(["a"])({"a": 7, "b": 8}) == 7
    assert entity_of(["a"])({"a": None}) is None
    assert entity_of(["b", "a"])({"a": 7, "b": 8}) == (8, 7)
    assert entity_of(["b", "a"])({"a": 7, "b": None}) is None
