"""Grouping: every item keeps its index, whatever the groups are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.serving.answering.grouping import assign, group_indexes, pick

keys = st.lists(st.sampled_from("abc"), min_size=1, max_size=9)


@given(keys)
def test_each_index_is_in_the_group_of_its_key(drawn):
    groups = group_indexes(drawn)
    assert list(groups) == list(dict.fromkeys(drawn))
    for key, indexes in groups.items():
        assert list(indexes) == [index for index, other in enumerate(drawn) if other == key]


@given(keys)
def test_items_taken_by_group_and_put_back_are_at_their_index_again(drawn):
    items = list(range(len(drawn)))
    results = [-1] * len(items)
    for indexes in group_indexes(drawn).values():
        assign(results, indexes, [item * 10 for item in pick(items, indexes)])
    assert results == [item * 10 for item in items]


def test_assigning_changes_nothing_else():
    items = ["a", "b", "c"]
    assign(items, [0, 2], ["A", "C"])
    assert items == ["A", "b", "C"]
    assign(items, [], [])
    assert items == ["A", "b", "C"]
