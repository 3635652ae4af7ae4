"""Hashes: the same for the same content, another for any other."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.ids import hash_bytes, hash_json, new_id

parts = st.lists(st.binary(max_size=4), max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def test_ids_are_new():
    assert len({new_id() for _ in range(1000)}) == 1000


@given(parts, parts)
def test_only_the_same_parts_have_the_same_hash(one, other):
    assert (hash_bytes(one) == hash_bytes(other)) == (one == other)


@given(values, values)
def test_only_the_same_value_has_the_same_hash(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (hash_json(one) == hash_json(other)) == same


def test_the_order_of_keys_does_not_matter():
    assert hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})


def test_a_known_hash():
    """It must not change: versions are found again by it."""
    assert hash_json({"a": [1, None, "é"]}) == "55ee3b9af7c6ed83e1717f6f84a6519e9c8603506a9c8b9672b6411318079352"
