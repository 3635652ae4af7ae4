"""Corrections, checked for all implementations: at every moment the version that was seen last counts, and no other.

A history is the list of one fact's versions, each with the moment from which it was seen. The definition takes, at a
moment, the last version seen before it; it knows nothing of retractions.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from as_of import (
    LAST,
    LATEST,
    MICROSECOND,
    START,
    WINDOWED,
    Fact,
    Lookup,
    amounts,
    entities,
    in_memory,
    in_redis,
    lookup_lists,
    moments,
    near,
    offline,
    places,
    reference,
    some_facts,
    views,
)
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.features import View

History = list[Fact]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A fact and up to three corrections: of some of its columns, of its moment, or back to an earlier version."""
    versions = [draw(some_facts())]
    for _ in range(draw(st.integers(0, 3))):
        before = versions[-1]
        source = draw(st.sampled_from(versions))
        known_at = before.known_at
        if draw(st.booleans()):
            later = draw(moments)
            known_at = later if known_at is None else max(known_at, later)
        earliest = max(
            [moment for moment in (before.seen and before.seen + MICROSECOND, known_at) if moment] or [START]
        )
        version = replace(
            before,
            known_at=known_at,
            seen_at=earliest + draw(st.sampled_from([0, 0, 1, 2, 5, 90])) * timedelta(minutes=1),
            amount=draw(st.just(source.amount) | amounts),
            note=draw(st.just(source.note) | st.sampled_from([None, "x", "y"])),
            entity=draw(st.just(source.entity) | entities),
            place=draw(st.just(source.place) | places),
        )
        versions.append(version)
    return versions


many = st.lists(histories(), unique_by=lambda history: history[0].id, max_size=8)
both = pytest.mark.parametrize("compute", [offline, in_memory, in_redis])
stores = pytest.mark.parametrize("online", [in_memory, in_redis])


def rows_of(histories: list[History]) -> list[Fact]:
    """The rows of a table with these histories: each correction is a retraction and the new version."""
    rows = []
    for first, *others in histories:
        rows.append(first)
        before = first
        for version in others:
            rows += [replace(before, seen_at=version.seen, weight=-1), version]
            before = version
    return rows


def versions_at(histories: list[History], moment: datetime) -> list[Fact]:
    """The version of each fact that counts at a moment."""
    seen = [[version for version in history if version.seen is None or version.seen < moment] for history in histories]
    return [versions[-1] for versions in seen if versions]


@both
@examples(100)
@given(views, many, lookup_lists, st.randoms(use_true_random=False))
def test_every_value_is_that_of_the_versions_seen_last(compute, view, drawn, lookups, random):
    rows = rows_of(drawn)
    random.shuffle(rows)
    for (values, empty), lookup in zip(compute(view, rows, lookups), lookups, strict=True):
        expected, expected_empty = reference(view, versions_at(drawn, lookup.at), lookup)
        assert near(values, expected), (values, expected)
        assert empty == expected_empty


@stores
@examples(100)
@given(views, many, lookup_lists, st.randoms(use_true_random=False))
def test_the_server_agrees_with_training_to_the_last_bit(online, view, drawn, lookups, random):
    """In whatever order facts and retractions arrive, and even if some arrive twice."""
    rows = rows_of(drawn)
    expected = offline(view, rows, lookups)
    again = rows + random.sample(rows, len(rows) // 2)
    random.shuffle(again)
    assert online(view, again, lookups) == expected


@both
@examples(50)
@given(views, many, lookup_lists, st.data())
def test_a_correction_changes_nothing_before_it_is_received(compute, view, drawn, lookups, data):
    now = data.draw(moments)
    known = [[version for version in history if version.seen is None or version.seen < now] for history in drawn]
    before = [lookup for lookup in lookups if lookup.at <= now]
    past = rows_of([history for history in known if history])
    assert compute(view, rows_of(drawn), before) == compute(view, past, before)


WIDE = View("wide", "facts", by="entity", over="1h", values=WINDOWED)


def wide(compute, history: History, minute: float) -> dict[str, object]:
    """What is in the window of entity "a", which has one more fact, of amount 4."""
    rows = [*rows_of([history]), Fact("a", at(0), "other", 4.0, "x")]
    return dict(zip(WINDOWED, compute(WIDE, rows, [Lookup("a", at(minute))])[0][0], strict=True))


@both
def test_a_superseded_value_is_in_no_aggregate(compute):
    history = [Fact("a", at(1), "1", 100.0, "y"), Fact("a", at(1), "1", 2.0, None, seen_at=at(5))]
    before, after = (wide(compute, history, minute) for minute in (5, 5.1))
    assert (before["most"], before["sum"], before["count"], before["notes"]) == (100.0, 104.0, 2.0, 2.0)
    assert (after["most"], after["least"], after["sum"], after["count"]) == (4.0, 2.0, 6.0, 2.0)
    assert (after["notes"], after["x_share"]) == (1.0, 1.0)


@both
def test_a_corrected_null_counts_from_then_on(compute):
    history = [Fact("a", at(1), "1", None, None), Fact("a", at(1), "1", 9.0, "x", seen_at=at(5))]
    assert [wide(compute, history, minute)["count"] for minute in (5, 5.1)] == [1.0, 2.0]


@both
def test_a_correction_after_the_window_brings_back_nothing(compute):
    """Neither the retraction nor the new version is in it; unless the new one became known later."""
    late = Fact("a", at(1), "1", 2.0, None, seen_at=at(90))
    for known, expected in ((at(1), 0.0), (at(60), 2.0)):
        history = [Fact("a", at(1), "1", 100.0, "y"), replace(late, known_at=known)]
        assert [wide(compute, history, minute)["sum"] for minute in (50, 61.1, 89, 91)] == [104.0, 0.0, 0.0, expected]


@both
def test_a_static_fact_can_change(compute):
    history = [Fact("a", None, "a", 1.0, "x"), Fact("a", None, "a", 2.0, None, seen_at=at(3))]
    history.append(replace(history[0], seen_at=at(6)))
    found = compute(LATEST, rows_of([history]), [Lookup("a", at(minute)) for minute in (0, 3, 4, 6, 7)])
    assert [values for values, _ in found] == [(1.0, "x"), (1.0, "x"), (2.0, None), (2.0, None), (1.0, "x")]


@both
def test_a_fact_that_moves_to_another_entity_leaves_the_one_before(compute):
    moved = [Fact("a", at(2), "2", 5.0, "wrong"), Fact("b", at(2), "2", 5.0, "right", seen_at=at(4))]
    rows = rows_of([[Fact("a", at(1), "1", 1.0, "first")], moved])
    lookups = [Lookup(entity, at(minute)) for entity in ("a", "b") for minute in (3, 5)]
    assert [values[1] for values, _ in compute(LATEST, rows, lookups)] == ["wrong", "first", None, "right"]


@both
def test_without_a_fact_left_there_is_none(compute):
    moved = [Fact("a", at(1), "1", 5.0, "x"), Fact("b", at(1), "1", 5.0, "x", seen_at=at(4))]
    view = View("strict", "facts", by="entity", ttl="1h", values=LAST, missing={"amount_last": 0.5})
    assert compute(view, rows_of([moved]), [Lookup("a", at(5))]) == [((0.5, None), True)]


@both
def test_a_page_of_retracted_facts_is_passed(compute):
    """The latest one that counts is behind many that were retracted."""
    moved = [
        [Fact("a", at(2), f"{n:02}", 5.0, "wrong"), Fact("b", at(2), f"{n:02}", 5.0, "right", seen_at=at(4))]
        for n in range(20)
    ]
    rows = rows_of([[Fact("a", at(1), "1", 1.0, "first")], *moved])
    assert compute(LATEST, rows, [Lookup("a", at(5))])[0][0] == (1.0, "first")
