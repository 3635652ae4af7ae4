"""What a view means, asked of both implementations: the join for training and the memory of the server.

`reference` says it in plain loops. Values are whole numbers, whose sums are exact in any order.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_lab.clock import to_micros
from mlops_lab.features.definition import View, count, last, mean, total
from mlops_lab.features.offline import view_values
from mlops_lab.features.online import ViewState

START = datetime(2013, 3, 10, 4, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOMENT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Fact:
    """One row of a table, with when it became known and its name among those of its moment."""

    entity: str | None
    known_at: datetime | None
    id: str
    amount: float | None
    note: str | None


@dataclass(frozen=True)
class Asked:
    """One request."""

    entity: str | None
    at: datetime


LATEST = View("latest", "facts", by="entity", values={"amount_last": last("amount"), "note_last": last("note")})
VIEWS = [
    LATEST,
    *(
        View(
            over,
            "facts",
            by="entity",
            over=over,
            values={"mean": mean("amount"), "sum": total("amount"), "count": count("amount"), "notes": count("note")},
        )
        for over in ("1m", "3m", "1h")
    ),
]

# A few minutes, so that facts often share a moment with each other, with a request, and with a window's edge.
moments = st.builds(
    lambda minutes, nudge: START + timedelta(minutes=minutes) + nudge * MICROSECOND,
    st.integers(-2, 8),
    st.sampled_from([-1, 0, 0, 0, 0, 1]),
)
entities = st.sampled_from(["a", "a", "a", "b", None])
amounts = st.none() | st.integers(-1000, 1000).map(float)
ids = st.text(alphabet="9aZ~é￿😀", min_size=1, max_size=3)  # code points beyond and below those of UTF-16's pairs
unique_facts = st.lists(
    st.builds(Fact, entities, st.none() | moments, ids, amounts, st.none() | st.sampled_from(["", "x", "y"])),
    unique_by=lambda fact: fact.id,
    max_size=12,
)
facts_lists = unique_facts.flatmap(  # some of them twice
    lambda facts: (
        st.lists(st.sampled_from(facts), max_size=3).map(lambda again: facts + again) if facts else st.just([])
    )
)
asked_lists = st.lists(st.builds(Asked, entities, moments), min_size=1, max_size=6)
views = st.sampled_from(VIEWS)


def reference(view, facts, asked):
    """The values of a view by its definition, one fact at a time."""
    mine = [fact for fact in facts if fact.entity is not None and fact.entity == asked.entity]
    if view.window is None:
        known = [fact for fact in mine if fact.known_at is None or fact.known_at < asked.at]
        if not known:
            return (None,) * len(view.values)
        latest = max(known, key=lambda fact: (fact.known_at is not None, fact.known_at or START, fact.id))
        return tuple(getattr(latest, aggregate.column) for aggregate in view.values.values())
    within = [fact for fact in mine if fact.known_at is not None and asked.at - view.window <= fact.known_at < asked.at]
    values = []
    for aggregate in view.values.values():
        found = [getattr(fact, aggregate.column) for fact in within]
        found = [value for value in found if value is not None]
        if aggregate.how == "count":
            values.append(float(len(found)))
        elif aggregate.how == "sum":
            values.append(float(sum(found)))
        else:
            values.append(sum(found) / len(found) if found else None)
    return tuple(values)


def offline(view, facts, asked):
    """The values of a view for some requests, as training computes them."""
    table = pl.DataFrame(
        [(fact.entity, fact.known_at, fact.id, fact.amount, fact.note) for fact in facts],
        schema={"entity": pl.String, "known_at": MOMENT, "fact_id": pl.String, "amount": pl.Float64, "note": pl.String},
        orient="row",
    )
    rows = pl.DataFrame(
        [(one.entity, one.at) for one in asked], schema={"entity": pl.String, "time": MOMENT}, orient="row"
    )
    return view_values(view, rows, time="time", facts=table).rows()


def online(view, facts, asked):
    """The same as the server computes them, having learned the facts in the order given."""
    state = ViewState(view)
    for fact in facts:
        state.add({"entity": fact.entity, "amount": fact.amount, "note": fact.note}, fact.known_at, fact.id)
    return [state.read(one.entity, to_micros(one.at)) for one in asked]


both = pytest.mark.parametrize("compute", [offline, online])


@both
@settings(max_examples=100)
@given(views, facts_lists, asked_lists)
def test_every_value_is_that_of_the_definition(compute, view, facts, asked):
    assert compute(view, facts, asked) == [reference(view, facts, one) for one in asked]


@both
@settings(max_examples=100)
@given(views, facts_lists, asked_lists, st.data())
def test_nothing_known_at_or_after_a_moment_is_seen_at_it(compute, view, facts, asked, data):
    now = data.draw(moments)
    past = [fact for fact in facts if fact.known_at is None or fact.known_at < now]
    before = [one for one in asked if one.at <= now]
    assert compute(view, facts, before) == compute(view, past, before)


@both
@settings(max_examples=100)
@given(views, facts_lists, asked_lists, st.data())
def test_what_becomes_known_later_may_say_anything(compute, view, facts, asked, data):
    now = data.draw(moments)
    other = [
        fact if fact.known_at is None or fact.known_at < now else replace(fact, amount=data.draw(amounts), note="z")
        for fact in facts
    ]
    before = [one for one in asked if one.at <= now]
    assert compute(view, facts, before) == compute(view, other, before)


@settings(max_examples=100)
@given(views, facts_lists, asked_lists, st.randoms(use_true_random=False))
def test_the_server_agrees_with_training_whatever_the_order_of_arrival(view, facts, asked, random):
    expected = offline(view, facts, asked)
    random.shuffle(facts)
    assert online(view, facts, asked) == expected


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


FACTS = [
    Fact("a", None, "0", 7.0, "always"),
    Fact("a", at(1), "1", 10.0, "first"),
    Fact("a", at(2), "3", None, None),
    Fact("a", at(2), "2", 30.0, "tied"),
    Fact("b", at(2), "4", 99.0, "other"),
    Fact(None, at(2), "5", 98.0, "nobody"),
    Fact("a", at(4), "6", 5.0, "latest"),
]
MINUTES = VIEWS[2]  # over 3 minutes


@both
@pytest.mark.parametrize(
    ("entity", "minute", "expected"),
    [
        ("a", 0, (7.0, "always")),
        ("a", 1, (7.0, "always")),  # what is known at the very moment is not seen yet
        ("a", 1.1, (10.0, "first")),
        ("a", 3, (None, None)),  # of one moment, the fact with the greatest id is the last; its null counts
        ("a", 4.1, (5.0, "latest")),
        ("c", 9, (None, None)),
        (None, 9, (None, None)),  # nobody's facts are never found
    ],
)
def test_the_latest_fact_by_example(compute, entity, minute, expected):
    assert compute(LATEST, FACTS, [Asked(entity, at(minute))]) == [expected]


@both
@pytest.mark.parametrize(
    ("entity", "minute", "expected"),
    [
        ("a", 1, (None, 0.0, 0.0, 0.0)),  # what is always known is no event of a window
        ("a", 2, (10.0, 10.0, 1.0, 1.0)),
        ("a", 3, (20.0, 40.0, 2.0, 2.0)),
        ("a", 4, (20.0, 40.0, 2.0, 2.0)),  # the window begins at minute 1, which belongs to it
        ("a", 4.5, (17.5, 35.0, 2.0, 2.0)),
        ("a", 7, (5.0, 5.0, 1.0, 1.0)),
        ("a", 8, (None, 0.0, 0.0, 0.0)),
        ("b", 3, (99.0, 99.0, 1.0, 1.0)),
        (None, 3, (None, 0.0, 0.0, 0.0)),
    ],
)
def test_a_window_by_example(compute, entity, minute, expected):
    assert compute(MINUTES, FACTS, [Asked(entity, at(minute))]) == [expected]


def test_every_order_of_arrival_by_example():
    asked = [Asked("a", at(minute)) for minute in (0, 1, 2, 2.5, 4, 5, 9)]
    mine = [fact for fact in FACTS if fact.entity == "a"]
    for view in VIEWS:
        expected = offline(view, mine, asked)
        assert all(online(view, list(order), asked) == expected for order in permutations(mine))
