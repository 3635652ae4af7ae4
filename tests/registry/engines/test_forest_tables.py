"""The tables of a forest: for every row exactly one leaf of each tree stays reachable, and it is the right one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.engines.forest_tables import ForestTables, make_tables
from mlops_lab.registry.engines.lightgbm_text import Forest, LightgbmTree, TreeSplit

THRESHOLDS = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
NUMBERS = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, float("nan")])
CATEGORY_INPUT, WIDTH = 2, 3


@st.composite
def trees(draw: st.DrawFn) -> LightgbmTree:
    """A tree of up to 40 leaves; its splits stand before those that they lead to."""
    leaf_count = draw(st.sampled_from([1, 2, 5, 31, 32, 33, 40]))
    children = [[-1, -1] for _ in range(leaf_count - 1)]
    free = [(0, 0), (0, 1)] if children else []
    for split in range(1, leaf_count - 1):
        parent, side = free.pop(draw(st.integers(0, len(free) - 1)))
        children[parent][side] = split
        free += [(split, 0), (split, 1)]
    for leaf, (parent, side) in enumerate(draw(st.permutations(free))):
        children[parent][side] = ~leaf
    splits = []
    for left, right in children:
        index = draw(st.integers(0, WIDTH - 1))
        members = draw(st.lists(st.integers(0, 4), max_size=3, unique=True)) if index == CATEGORY_INPUT else None
        goes_left = draw(st.booleans()) if members is None else False
        splits.append(TreeSplit(index, draw(THRESHOLDS), members, goes_left, left, right))
    return LightgbmTree(splits, [float(leaf + 1) for leaf in range(leaf_count)])


def walk(tree: LightgbmTree, row: list[float]) -> float:
    """The value of the leaf that a row comes to, split by split."""
    node = 0 if tree.splits else -1
    while node >= 0:
        split = tree.splits[node]
        value = row[split.input_index]
        if split.members is not None:
            goes_left = value in split.members
        else:
            goes_left = split.missing_goes_left if np.isnan(value) else value <= split.threshold
        node = split.left if goes_left else split.right
    return tree.leaves[~node]


def look_up(tables: ForestTables, row: list[float]) -> list[float]:
    """What forest.c does: AND the masks of all inputs, and take the first leaf that is left of each word."""
    reachable = np.full(len(tables.leaves), 0xFFFFFFFF, dtype=np.uint32)
    for index, first_threshold, size, first_mask, is_text in tables.inputs.tolist():
        value = row[index]
        if is_text:
            position = int(value) if 0 <= value < size else size
        elif np.isnan(value):
            position = size + 1
        else:
            position = int((tables.thresholds[first_threshold : first_threshold + size] < value).sum())
        reachable &= tables.masks[first_mask + position]
    lowest = [int(word & -word).bit_length() - 1 for word in reachable.tolist()]
    return [tables.leaves[word, bit] for word, bit in enumerate(lowest)]


@given(st.lists(trees(), min_size=1, max_size=4), st.data())
def test_the_leaf_that_is_left_is_the_one_that_the_row_comes_to(
    forest: list[LightgbmTree], data: st.DataObject
) -> None:
    tables = make_tables(Forest(WIDTH, 1, forest, 1.0, "plain", 1.0))
    for _ in range(5):
        row = [data.draw(NUMBERS), data.draw(NUMBERS), float(data.draw(st.integers(-1, 6)))]
        assert sum(look_up(tables, row)) == sum(walk(tree, row) for tree in forest)


def test_the_words_of_an_output_stand_together() -> None:
    leaf = [LightgbmTree([], [float(number)]) for number in range(6)]
    tables = make_tables(Forest(WIDTH, 3, leaf, 1.0, "softmax", 1.0))
    assert len(tables.leaves) == 3 * 8, "padded to the eight words that forest.c reads at once"
    assert [tables.leaves[8 * output : 8 * output + 8, 0].sum() for output in range(3)] == [0 + 3, 1 + 4, 2 + 5]


def test_a_transform_that_the_kernel_lacks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="square"):
        make_tables(Forest(WIDTH, 1, [LightgbmTree([], [1.0])], 1.0, "square", 1.0))
