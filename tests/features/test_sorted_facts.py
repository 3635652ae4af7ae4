"""Look-ups in sorted facts: the last fact of an entity strictly before a moment."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features.sorted_facts import SortedFacts

keys = st.sampled_from(["a", "b", "c"])
facts = st.lists(st.tuples(keys, st.integers(-3, 9), st.integers(0, 4)), max_size=12)
lookup_lists = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "z", None]), st.integers(-5, 15)), min_size=1, max_size=8
)


def sort(drawn, scale=1):
    rows = [
        (key, known * scale, (known + late) * scale, str(number)) for number, (key, known, late) in enumerate(drawn)
    ]
    schema = {"key": pl.String, "_known_at": pl.Int64, "_seen_at": pl.Int64, "_fact_id": pl.String}
    return SortedFacts(pl.DataFrame(rows, schema=schema, orient="row"), ["key"])


def prepare(sorted_facts, lookups, scale=1):
    schema = {"field": pl.String, "at": pl.Int64}
    rows = pl.DataFrame([(key, at * scale) for key, at in lookups], schema=schema, orient="row")
    return sorted_facts.prepare(rows, time="at", fields=["field"])


@pytest.mark.parametrize("scale", [1, 2**55])  # the second is too large for microseconds: moments are ranked
@given(facts, lookup_lists, st.integers(0, 3))
def test_the_last_fact_before_a_moment_by_its_definition(scale, drawn, lookups, earlier):
    sorted_facts = sort(drawn, scale)
    prepared = prepare(sorted_facts, lookups, scale)
    for order, column in ((sorted_facts.known, "_known_at"), (sorted_facts.seen, "_seen_at")):
        times = sorted_facts.facts[column]
        indices = order.last_before(prepared, microseconds=earlier * scale)
        for (key, at), index in zip(lookups, indices, strict=True):
            of_key = [
                position
                for position, row in enumerate(order.rows)
                if sorted_facts.facts["key"][int(row)] == key and times[int(row)] < (at - earlier) * scale
            ]
            assert index == max(of_key, default=-1)


@given(facts)
def test_facts_are_sorted_by_entity_then_time_and_ties_by_id(drawn):
    sorted_facts = sort(drawn)
    table = sorted_facts.facts
    order = [table.row(int(row), named=True) for row in sorted_facts.rows_by_id()]
    first_seen = list(dict.fromkeys(key for key, _, _ in drawn))
    expected = sorted(
        table.iter_rows(named=True), key=lambda row: (first_seen.index(row["key"]), row["_known_at"], row["_fact_id"])
    )
    assert order == expected


def test_one_order_serves_for_both_times_if_every_fact_is_seen_when_known():
    prompt, late = sort([("a", 1, 0), ("b", 2, 0)]), sort([("a", 1, 0), ("b", 2, 1)])
    assert prompt.known is prompt.seen
    assert late.known is not late.seen
