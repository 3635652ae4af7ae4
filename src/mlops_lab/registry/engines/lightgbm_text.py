"""A LightGBM model read from its text format: its trees, and what becomes of their sums.

(LightGBM: src/io/tree.cpp, include/LightGBM/tree.h, src/objective.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import NamedTuple

from mlops_lab.errors import EnvironmentFault, InvalidInput

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_SHIFT, _ZERO_IS_MISSING, _NAN_IS_MISSING = 2, 1, 2
"""How `decision_type` is written."""


class TreeSplit(NamedTuple):
    """One split: a number at most `threshold` goes left, or a category that is one of `members`.

    A child is the index of a later split in the same tree, or the complement (`~`) of the index of a leaf.
    """

    input_index: int
    threshold: float
    members: list[int] | None
    missing_goes_left: bool
    left: int
    right: int


class LightgbmTree(NamedTuple):
    """Its splits, the root first, and the values of its leaves. No split: one leaf."""

    splits: list[TreeSplit]
    leaves: list[float]


class Forest(NamedTuple):
    """All trees of a model of `width` inputs. Tree i adds to output i modulo `outputs`. The answer of an output is the
    sum of its leaves, divided by `divisor` and transformed: plain, sigmoid (of `steepness` times the sum), softmax, exp
    or square (with its sign)."""

    width: int
    outputs: int
    trees: list[LightgbmTree]
    divisor: float
    transform: str
    steepness: float


def read_forest(text: str) -> Forest:
    """The model that LightGBM wrote as this text.

    InvalidInput where it computes more than sums of leaves; EnvironmentFault where LightGBM did not write the text.
    """
    check_complete(text)
    try:
        head, *parts = _sections(text)
        width, outputs = int(head["max_feature_idx"]) + 1, int(head["num_tree_per_iteration"])
        trees = [_read_tree(part, width) for part in parts]
        transform, steepness = _read_objective(head.get("objective", ""))
        return Forest(
            width=width,
            outputs=outputs,
            trees=trees,
            divisor=len(trees) / outputs if "average_output" in head else 1.0,
            transform=transform,
            steepness=steepness,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise EnvironmentFault(
            f"is not a model that LightGBM wrote: {error!r}",
            code="engine_failed",
            where="model.txt",
            hint="check the package of this version",
        ) from None


def check_complete(text: str) -> None:
    """EnvironmentFault where a part of the text is missing: given such a file, LightGBM's library ends the process."""
    parts = text.split("\nTree=")
    sizes = next((line.partition("=")[2] for line in parts[0].splitlines() if line.startswith("tree_sizes=")), None)
    if "\nend of trees" not in parts[-1] or sizes is None or len(sizes.split()) != len(parts) - 1:
        raise EnvironmentFault(
            "is not a model that LightGBM wrote, or a part of it is missing",
            code="engine_failed",
            where="model.txt",
            hint="check the package of this version",
        )


def check_sound(text: str) -> None:
    """EnvironmentFault where a part of the text is missing, or its parts contradict each other: given such a file,
    LightGBM's library reads outside of its memory, never ends, or ends the process."""
    check_complete(text)
    try:
        head, *trees = _sections(text)
        width, outputs = int(head["max_feature_idx"]) + 1, int(head["num_tree_per_iteration"])
        bodies = text[text.index("\nTree=") + 1 : text.index("end of trees")] if trees else ""
        lengths = [len(f"Tree={part}") for part in bodies.encode().decode("latin-1").split("Tree=")[1:]]
        is_sound = list(map(int, head["tree_sizes"].split())) == lengths
        is_sound &= "\0" not in text and width == len(head["feature_names"].split())
        is_sound &= outputs > 0 and len(trees) % outputs == 0 and int(head["num_class"]) in {1, outputs}
        is_sound &= all(_is_sound_tree(tree, width) for tree in trees)
    except (KeyError, ValueError, IndexError):
        is_sound = False
    if not is_sound:
        raise EnvironmentFault(
            "is not a model that LightGBM wrote: its parts contradict each other",
            code="engine_failed",
            where="model.txt",
            hint="check the package of this version",
        )


def _is_sound_tree(tree: Mapping[str, str], width: int) -> bool:
    """Whether the numbers of a tree lead to each other, and to inputs that there are."""
    leaves = int(tree["num_leaves"])
    if len(tree["leaf_value"].split()) != leaves or any(
        int(index) not in range(width) for index in tree.get("leaf_features", "").split()
    ):
        return False
    names = ("split_feature", "left_child", "right_child", "decision_type")
    columns = [list(map(int, tree.get(name, "").split())) for name in names]
    thresholds = list(map(float, tree.get("threshold", "").split()))
    if leaves == 1 or {*map(len, columns), len(thresholds)} != {leaves - 1}:
        return leaves == 1 and not any(columns)
    splits = [TreeSplit(index, 0.0, None, False, left, right) for index, left, right, _ in zip(*columns, strict=True)]
    sets = [int(threshold) for kind, threshold in zip(columns[3], thresholds, strict=True) if kind & _CATEGORICAL]
    number, words = int(tree["num_cat"]), tree.get("cat_threshold", "").split()
    borders = list(map(int, tree.get("cat_boundaries", "0").split()))
    return (
        _is_consistent(splits, leaves, width)
        and all(index in range(number) for index in sets)
        and borders == sorted(borders)
        and (len(borders), borders[0], borders[-1]) == (number + 1, 0, len(words))
    )


def split_thresholds(text: str) -> dict[int, list[float]]:
    """The thresholds of each numeric input, by its index; in order."""
    thresholds: dict[int, set[float]] = {}
    for tree in read_forest(text).trees:
        for split in tree.splits:
            if split.members is None:
                thresholds.setdefault(split.input_index, set()).add(split.threshold)
    return {index: sorted(values) for index, values in thresholds.items()}


def _sections(text: str) -> list[dict[str, str]]:
    """The lines `key=value` of the model's head, and of each tree."""
    parts = text.split("end of trees")[0].split("\nTree=")
    return [dict(line.partition("=")[::2] for line in part.splitlines()) for part in parts]


def _read_tree(tree: Mapping[str, str], width: int) -> LightgbmTree:
    if tree.get("is_linear") == "1":
        raise _not_only_leaves("it has linear models in its leaves", "train it without linear_tree")
    leaves = list(map(float, tree["leaf_value"].split()))
    if len(leaves) == 1:
        return LightgbmTree([], leaves)
    names = ("decision_type", "split_feature", "left_child", "right_child")
    numbers = [map(int, tree[name].split()) for name in names]
    sets, thresholds = list(_read_sets(tree)), map(float, tree["threshold"].split())
    splits = [
        TreeSplit(index, threshold, sets[int(threshold)], False, left, right)
        if kind & _CATEGORICAL
        else TreeSplit(index, threshold, None, _missing_goes_left(kind, threshold), left, right)
        for kind, index, left, right, threshold in zip(*numbers, thresholds, strict=True)
    ]
    if not _is_consistent(splits, len(leaves), width):
        raise ValueError("a tree whose splits and leaves do not fit together")
    return LightgbmTree(splits, leaves)


def _is_consistent(splits: Sequence[TreeSplit], leaves: int, width: int) -> bool:
    """Whether every split and leaf but the root has one parent, which stands before it: code that walks the tree relies
    on that."""
    links = [(index, child) for index, split in enumerate(splits) for child in (split.left, split.right)]
    return (
        sorted(child for _, child in links) == [*range(-leaves, 0), *range(1, len(splits))]
        and all(child < 0 or child > index for index, child in links)
        and all(split.input_index in range(width) and not isnan(split.threshold) for split in splits)
    )


def _missing_goes_left(kind: int, threshold: float) -> bool:
    """Whether a missing number goes left: as the split says, or, where none was missing in training, as 0 goes."""
    missing = kind >> _MISSING_SHIFT & 3
    if missing == _ZERO_IS_MISSING:
        raise _not_only_leaves("it takes zeros as missing", "train it without zero_as_missing")
    return bool(kind & _DEFAULT_LEFT) if missing == _NAN_IS_MISSING else threshold >= 0


def _read_sets(tree: Mapping[str, str]) -> Iterator[list[int]]:
    """The codes in each set of categories, which the text holds as bits of 32-bit words."""
    if int(tree["num_cat"]):
        words = list(map(int, tree["cat_threshold"].split()))
        for begin, end in pairwise(map(int, tree["cat_boundaries"].split())):
            yield [32 * number + bit for number, word in enumerate(words[begin:end]) for bit in _bits(word)]


def _bits(word: int) -> Iterator[int]:
    while word:
        lowest = word & -word
        yield lowest.bit_length() - 1
        word ^= lowest


def _read_objective(objective: str) -> tuple[str, float]:
    """The transform of the sums and its steepness (LightGBM: ConvertOutput of each objective)."""
    kind, *options = objective.split() or [""]
    parameters = dict(option.partition(":")[::2] for option in options)
    if kind in {"binary", "multiclassova", "cross_entropy"}:
        return "sigmoid", float(parameters.get("sigmoid", 1.0))
    if kind == "multiclass":
        return "softmax", 1.0
    if kind in {"poisson", "gamma", "tweedie"}:
        return "exp", 1.0
    if kind in {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}:
        return ("square" if "sqrt" in parameters else "plain"), 1.0
    hint = "train it for a usual one: binary, multiclass, regression, poisson …"
    raise _not_only_leaves(f"its objective is {kind or 'unknown'}", hint)


def _not_only_leaves(why: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"the model's answers are more than sums of leaves: {why}", code="not_convertible", where="model.txt", hint=hint
    )
