"""The tables that forest.c reads: for each tree which leaves a row can still reach, input by input.

An input takes part in an answer only by the range between two thresholds that its value lies in, or by its category.
For each range and each tree a mask of 32 bits, one bit for each leaf, says which leaves stay reachable. It is computed
once, when the model is read. (QuickScorer: Lucchese et al. 2015.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.engines.lightgbm_text import Forest, LightgbmTree, TreeSplit

MAX_TABLE_BYTES = 32 * 2**20
"""Larger tables are refused: LightGBM's own form of the model takes less memory."""
TRANSFORMS = ("plain", "sigmoid", "softmax", "exp")
"""The transforms of the sums that forest.c computes, in the order of its constants."""
_WORDS_PER_STEP, _LEAVES_PER_WORD = 8, 32
_ALL_LEAVES = 0xFFFFFFFF


class ForestTables(NamedTuple):
    """Arrays in the layout of `struct forest` in forest.c."""

    inputs: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]
    masks: npt.NDArray[np.uint32]
    leaves: npt.NDArray[np.float64]


class _Input(NamedTuple):
    """One input that trees split on, in the layout of `struct input` in forest.c.

    `size` is its number of thresholds or categories. The masks of its ranges begin at row `first_mask`; the last of
    them is that of a missing value.
    """

    input_index: int
    first_threshold: int
    size: int
    first_mask: int
    is_text: bool

    @property
    def missing_mask(self) -> int:
        return self.first_mask + self.size + (0 if self.is_text else 1)


class _SplitMasks(NamedTuple):
    """The leaves of one word that stay reachable where a row goes left at the split, and where it goes right."""

    split: TreeSplit
    word: int
    left: int
    right: int


def make_tables(forest: Forest) -> ForestTables:
    """The tables of a model; InvalidInput where forest.c does not compute its transform, or they would be too large."""
    if forest.transform not in TRANSFORMS:
        raise _not_convertible(f'forest.c does not compute the transform "{forest.transform}"')
    inputs, threshold_indices = _index_inputs(forest)
    split_masks, leaves = _lay_out_leaves(forest)
    ranges = max((entry.missing_mask for entry in inputs.values()), default=-1) + 1
    table_bytes = ranges * len(leaves) * 4
    if table_bytes > MAX_TABLE_BYTES:
        raise _not_convertible(f"its tables would take {table_bytes / 2**20:,.0f} MiB")
    return ForestTables(
        inputs=np.array(list(inputs.values()), dtype=np.int64),
        thresholds=np.array([value for index in inputs for value in threshold_indices.get(index, ())], np.float64),
        masks=_make_masks(split_masks, inputs, threshold_indices, shape=(ranges, len(leaves))),
        leaves=leaves,
    )


def _index_inputs(forest: Forest) -> tuple[dict[int, _Input], dict[int, dict[float, int]]]:
    """The inputs that trees split on, by their index; and for each numeric one the position of each threshold."""
    thresholds: dict[int, set[float]] = {}
    category_counts: dict[int, int] = {}
    for tree in forest.trees:
        for split in tree.splits:
            index = split.input_index
            if split.members is None:
                thresholds.setdefault(index, set()).add(split.threshold)
            else:
                count = max(split.members, default=-1) + 1
                category_counts[index] = max(category_counts.get(index, 0), count)
    threshold_indices = {
        index: {value: position for position, value in enumerate(sorted(values))}
        for index, values in thresholds.items()
    }
    inputs: dict[int, _Input] = {}
    first_threshold = first_mask = 0
    for index in sorted({*thresholds, *category_counts}):
        count = len(threshold_indices.get(index, ()))
        entry = _Input(index, first_threshold, category_counts.get(index, count), first_mask, index in category_counts)
        inputs[index] = entry
        first_threshold, first_mask = first_threshold + count, entry.missing_mask + 1
    return inputs, threshold_indices


def _lay_out_leaves(forest: Forest) -> tuple[list[_SplitMasks], npt.NDArray[np.float64]]:
    """The masks of every split, and the values of the leaves word by word.

    The words of one output stand together, in the order of its trees. A tree with more leaves than a word has bits
    takes several words; the last bit of each of them then means "none of the leaves in this word", with value 0.
    """
    words: list[list[tuple[LightgbmTree, range]]] = [[] for _ in range(forest.outputs)]
    for number, tree in enumerate(forest.trees):
        count = len(tree.leaves)
        bits = _LEAVES_PER_WORD if count <= _LEAVES_PER_WORD else _LEAVES_PER_WORD - 1
        words[number % forest.outputs] += [
            (tree, range(start, min(start + bits, count))) for start in range(0, count, bits)
        ]
    words_per_output = -(-max(map(len, words)) // _WORDS_PER_STEP) * _WORDS_PER_STEP
    leaves = np.zeros((forest.outputs * words_per_output, _LEAVES_PER_WORD))
    split_masks: list[_SplitMasks] = []
    for output, output_words in enumerate(words):
        for word, (tree, window) in enumerate(output_words, start=output * words_per_output):
            spans, values = _number_leaves(tree)
            leaves[word, : len(window)] = values[window.start : window.stop]
            for split, span in zip(tree.splits, spans, strict=True):
                begin, middle, end = (1 << min(max(leaf - window.start, 0), len(window)) for leaf in span)
                # "end - middle" has the bits of the leaves on the right: those are out of reach for who goes left.
                split_masks.append(
                    _SplitMasks(split, word, _ALL_LEAVES ^ (end - middle), _ALL_LEAVES ^ (middle - begin))
                )
    return split_masks, leaves


def _number_leaves(tree: LightgbmTree) -> tuple[list[tuple[int, int, int]], list[float]]:
    """With the leaves numbered from left to right: for each split the first leaf on its left, the first on its right
    and the end of these; and the values of the leaves. (A split stands before those that it leads to.)"""
    sizes = [0] * len(tree.splits)
    for index in reversed(range(len(sizes))):
        split = tree.splits[index]
        sizes[index] = sum(sizes[child] if child >= 0 else 1 for child in (split.left, split.right))
    begins, spans, values = [0] * len(sizes), [], list(tree.leaves)
    for index, split in enumerate(tree.splits):
        begin, end = begins[index], begins[index] + sizes[index]
        middle = begin + (sizes[split.left] if split.left >= 0 else 1)
        spans.append((begin, middle, end))
        for child, first_leaf in ((split.left, begin), (split.right, middle)):
            if child >= 0:
                begins[child] = first_leaf
            else:
                values[first_leaf] = tree.leaves[~child]
    return spans, values


def _make_masks(
    split_masks: list[_SplitMasks],
    inputs: dict[int, _Input],
    threshold_indices: dict[int, dict[float, int]],
    *,
    shape: tuple[int, int],
) -> npt.NDArray[np.uint32]:
    """The leaves that stay reachable, by range and word.

    A number goes left up to a threshold and right above it. So the mask of each side is written at the range next to
    the threshold, and then carried on to all ranges below and above it.
    """
    masks, below, above = (np.full(shape, _ALL_LEAVES, dtype=np.uint32) for _ in range(3))
    numeric: list[tuple[int, int, int, int, int]] = []
    for split, word, left, right in split_masks:
        entry = inputs[split.input_index]
        if split.members is None:
            position = entry.first_mask + threshold_indices[split.input_index][split.threshold]
            missing = entry.missing_mask * shape[1] + word
            of_missing = left if split.missing_goes_left else right
            numeric.append((position * shape[1] + word, left, right, missing, of_missing))
        else:
            goes_left = np.zeros(entry.size + 1, dtype=np.bool_)
            goes_left[split.members] = True
            masks[entry.first_mask : entry.missing_mask + 1, word] &= np.where(goes_left, left, right).astype(np.uint32)
    cells, left_masks, right_masks, missing_cells, missing_masks = np.array(numeric, dtype=np.int64).reshape(-1, 5).T
    np.bitwise_and.at(below.reshape(-1), cells, left_masks.astype(np.uint32))
    np.bitwise_and.at(above.reshape(-1), cells + shape[1], right_masks.astype(np.uint32))
    for entry in inputs.values():
        if not entry.is_text:
            ranges = slice(entry.first_mask, entry.missing_mask)
            masks[ranges] = np.bitwise_and.accumulate(below[ranges][::-1])[::-1]
            masks[ranges] &= np.bitwise_and.accumulate(above[ranges])
    np.bitwise_and.at(masks.reshape(-1), missing_cells, missing_masks.astype(np.uint32))
    return masks


def _not_convertible(why: str) -> InvalidInput:
    return InvalidInput(
        f"the model does not become tables: {why}", code="not_convertible", where="model.txt", hint="LightGBM serves it"
    )
