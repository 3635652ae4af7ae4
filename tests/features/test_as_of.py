"""What a view means, checked for all implementations: the join for training, and both stores of the server."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from as_of import (
    LATEST,
    START,
    VIEWS,
    Fact,
    Lookup,
    amounts,
    facts_lists,
    in_memory,
    in_redis,
    lookup_lists,
    moments,
    near,
    offline,
    reference,
    views,
)
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.features import View, count, mean, total

both = pytest.mark.parametrize("compute", [offline, in_memory, in_redis])
stores = pytest.mark.parametrize("online", [in_memory, in_redis])


@both
@examples(100)
@given(views, facts_lists, lookup_lists)
def test_every_value_is_that_of_the_definition(compute, view, facts, lookups):
    for (values, empty), lookup in zip(compute(view, facts, lookups), lookups, strict=True):
        expected, expected_empty = reference(view, facts, lookup)
        assert near(values, expected), (values, expected)
        assert empty == expected_empty


@both
@examples(100)
@given(views, facts_lists, lookup_lists, st.data())
def test_nothing_seen_at_or_after_a_moment_changes_it(compute, view, facts, lookups, data):
    now = data.draw(moments)
    past = [fact for fact in facts if fact.seen is None or fact.seen < now]
    before = [lookup for lookup in lookups if lookup.at <= now]
    assert compute(view, facts, before) == compute(view, past, before)


@both
@examples(100)
@given(views, facts_lists, lookup_lists, st.data())
def test_later_facts_can_have_any_values(compute, view, facts, lookups, data):
    now = data.draw(moments)
    other = [
        fact if fact.seen is None or fact.seen < now else replace(fact, amount=data.draw(amounts), note="z")
        for fact in facts
    ]
    before = [lookup for lookup in lookups if lookup.at <= now]
    assert compute(view, facts, before) == compute(view, other, before)


@stores
@examples(100)
@given(views, facts_lists, lookup_lists, st.randoms(use_true_random=False))
def test_the_server_agrees_with_training_to_the_last_bit(online, view, facts, lookups, random):
    """In whatever order facts arrive, and even if some arrive twice."""
    expected = offline(view, facts, lookups)
    again = facts + random.sample(facts, len(facts) // 2)
    random.shuffle(again)
    assert online(view, again, lookups) == expected


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


FACTS = [
    Fact("a", None, "0", 7.0, "always"),
    Fact("a", at(1), "1", 10.0, "first"),
    Fact("a", at(2), "3", None, None),
    Fact("a", at(2), "2", 30.0, "tied"),
    Fact("b", at(2), "4", 99.0, "other"),
    Fact(None, at(2), "5", 98.0, "no entity"),
    Fact("a", at(4), "6", 5.0, "latest"),
    Fact("a", at(3), "7", 6.0, "late", seen_at=at(6)),
]
SUMS = {"mean": mean("amount"), "sum": total("amount"), "count": count("amount"), "notes": count("note")}
MINUTES = View("minutes", "facts", by="entity", over="3m", values=SUMS)


@both
@pytest.mark.parametrize(
    ("entity", "minute", "expected"),
    [
        ("a", 0, (7.0, "always")),
        ("a", 1, (7.0, "always")),  # what is known at the very moment is not seen yet
        ("a", 1.1, (10.0, "first")),
        ("a", 3, (None, None)),  # of one moment, the fact with the greatest id is the last; its null counts
        ("a", 4.1, (5.0, "latest")),
        ("a", 6.1, (5.0, "latest")),  # what arrives late is still older than what was known since
        ("c", 9, (None, None)),
        (None, 9, (None, None)),  # facts without an entity are never used
    ],
)
def test_the_latest_fact_by_example(compute, entity, minute, expected):
    assert compute(LATEST, FACTS, [Lookup(entity, at(minute))])[0][0] == expected


@both
@pytest.mark.parametrize(
    ("entity", "minute", "expected"),
    [
        ("a", 1, (None, 0.0, 0.0, 0.0)),  # what is always known is no event of a window
        ("a", 2, (10.0, 10.0, 1.0, 1.0)),
        ("a", 3, (20.0, 40.0, 2.0, 2.0)),
        ("a", 4, (20.0, 40.0, 2.0, 2.0)),  # the window begins at minute 1, which belongs to it
        ("a", 4.5, (17.5, 35.0, 2.0, 2.0)),
        ("a", 6, (5.0, 5.0, 1.0, 1.0)),
        ("a", 6.0001, (5.0, 5.0, 1.0, 1.0)),  # the late fact arrives after it has left the window
        ("a", 8, (None, 0.0, 0.0, 0.0)),
        ("b", 3, (99.0, 99.0, 1.0, 1.0)),
        (None, 3, (None, 0.0, 0.0, 0.0)),
    ],
)
def test_a_window_by_example(compute, entity, minute, expected):
    assert compute(MINUTES, FACTS, [Lookup(entity, at(minute))])[0][0] == expected


@stores
def test_every_order_of_arrival_by_example(online):
    lookups = [Lookup("a", at(minute)) for minute in (0, 1, 2, 2.5, 4, 5, 9)]
    mine = [fact for fact in FACTS if fact.entity == "a"][:4]
    for view in VIEWS:
        expected = offline(view, mine, lookups)
        assert all(online(view, list(order), lookups) == expected for order in permutations(mine))


def test_facts_that_have_left_the_window_have_no_effect():
    """In plain floats a running sum would keep a rounding error of the 1e17 that was in it."""
    facts = [Fact("a", at(0), "1", 1e17, None), *(Fact("a", at(5 + n), str(n + 2), 0.1, None) for n in range(3))]
    for compute in (offline, in_memory, in_redis):
        assert compute(MINUTES, facts, [Lookup("a", at(8))]) == compute(MINUTES, facts[1:], [Lookup("a", at(8))])
