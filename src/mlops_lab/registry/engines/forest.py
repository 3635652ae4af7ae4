"""LightGBM's trees as tables of bits, which forest.c walks through without a branch: to the bit what LightGBM answers.

An input takes part in an answer only by the range that it lies in between two of its thresholds, or by its category.
What every tree makes of a range is worked out once, when the model is read: which of its leaves a row may still reach.
"""

from __future__ import annotations

import ctypes
import logging
import zlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engines.base import Engine, Output, count_cores
from mlops_lab.registry.engines.encoding import Encoder
from mlops_lab.registry.engines.lightgbm import LightgbmEngine
from mlops_lab.registry.engines.lightgbm_text import Forest, LightgbmTree, TreeSplit, read_forest
from mlops_lab.registry.package import Plan
from mlops_lab.registry.trust import Trust

_log = logging.getLogger(__name__)
KERNEL = Path(__file__).with_name("libforest.so")
"""What hatch_build.py makes of forest.c where there is a C compiler."""
SOME_ROWS = 8
"""From so many rows on a matrix of them costs less than a list of lists."""
WORDS_A_THREAD = 1_500_000
"""From so many words of masks on (0.2 ms; 300 trees, 18 inputs: 270 rows) a thread saves clearly more than it costs."""
MOST_BYTES = 32 * 2**20
"""More than that is not kept: LightGBM's own form of the model takes less."""
_STEP, _LEAVES = 8, 32
_TRANSFORMS = ("plain", "sigmoid", "softmax", "exp")
_ALL = 0xFFFFFFFF


class _Struct(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("inputs", "width", "words", "outputs", "transform")),
        ("divisor", ctypes.c_double),
        ("steepness", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("input", "thresholds", "masks", "leaves")),
    )


@cache
def _kernel() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(KERNEL))
        source = ctypes.c_uint32.in_dll(library, "forest_source").value
    except (OSError, ValueError):
        return None
    if source != zlib.crc32(KERNEL.with_name("forest.c").read_bytes()):  # of another version
        return None
    of_rows = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    library.forest_answer.argtypes = (ctypes.c_void_p, *of_rows, ctypes.c_int64)
    library.forest_answer.restype = None
    return library


def has_kernel() -> bool:
    """Whether forests can be asked on this machine."""
    return _kernel() is not None


class ForestEngine:
    """A LightGBM model as a forest of bits, and the codes of its text inputs."""

    exact = True

    def __init__(self, path: Path, inputs: Sequence[str], categories: Mapping[str, Sequence[str]]) -> None:
        self.encoder = Encoder(inputs, categories)
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            hint = "check the package of this version"
            raise EnvironmentFault(
                f"cannot be read: {error.strerror}", code="engine_failed", where=str(path), hint=hint
            ) from None
        self.forest = BitForest(text)

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        if len(rows) < SOME_ROWS:
            return self.forest.predict_rows(list(map(self.encoder.encode_row, rows)))
        answers: list[Output] = self.forest.predict(self.encoder.encode_rows(rows)).tolist()
        return answers

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for many rows of inputs; equal to `score_rows` bit by bit."""
        return self.forest.predict(self.encoder.encode(inputs), threads=threads)


def open_engine(path: Path, plan: Plan, trust: Callable[[], Trust]) -> Engine:
    """The engine of a plan over the model file `path`."""
    del trust  # nothing in the file can execute code
    inputs = plan.features["inputs"]
    if has_kernel():
        return ForestEngine(path, inputs, plan.categories)
    _log.warning("forest.c was not compiled here: LightGBM's library gives the same answers, some ten times slower")
    return LightgbmEngine(path, inputs, plan.categories)


class BitForest:
    """A LightGBM model; answers the probability of the positive class, those of all classes, or a number.

    Made of the model's text. InvalidInput where it does not become tables, or where there is no kernel to read them;
    EnvironmentFault where the text is none of LightGBM's.
    """

    def __init__(self, text: str) -> None:
        kernel = _kernel()
        if kernel is None:
            hint = "install a C compiler (Debian: apt-get install gcc libc6-dev), then mlops-lab anew"
            raise InvalidInput("forest.c was not compiled", code="no_kernel", where=str(KERNEL.parent), hint=hint)
        forest = read_forest(text)
        self.width, self.outputs = forest.width, forest.outputs
        self._tables = _make_tables(forest)
        self._struct = _Struct(
            len(self._tables.inputs), self.width, len(self._tables.leaves) // self.outputs, self.outputs,
            _TRANSFORMS.index(forest.transform), forest.divisor, forest.steepness,
            *(table.ctypes.data for table in self._tables),
        )  # fmt: skip
        self._words_a_row = len(self._tables.inputs) * len(self._tables.leaves)
        self._address = ctypes.addressof(self._struct)
        self._answer = kernel.forest_answer

    def predict_rows(self, rows: list[list[float]]) -> list[Output]:
        """The answers for some rows of inputs; NaN is missing."""
        values, answers = array("d", chain.from_iterable(rows)), array("d", bytes(8 * len(rows) * self.outputs))
        if len(values) != len(rows) * self.width:
            raise self._wrong_width()
        self._answer(self._address, values.buffer_info()[0], len(rows), answers.buffer_info()[0], 1)
        if self.outputs == 1:
            return list(answers)
        return [answers[place : place + self.outputs].tolist() for place in range(0, len(answers), self.outputs)]

    def predict(self, matrix: npt.NDArray[np.float64], *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for a matrix of shape (rows, inputs), in their order; equal to `predict_rows` bit by bit.

        Computed on at most so many threads; 0: on all cores.
        """
        if matrix.shape[1] != self.width:
            raise self._wrong_width()
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        answers = np.empty((len(matrix), self.outputs) if self.outputs > 1 else len(matrix), dtype=np.float64)
        threads = min(threads or count_cores(), len(matrix) * self._words_a_row // WORDS_A_THREAD) or 1
        self._answer(self._address, matrix.ctypes.data, len(matrix), answers.ctypes.data, threads)
        return answers

    def _wrong_width(self) -> EnvironmentFault:
        return EnvironmentFault(
            f"a row of this model has {self.width} inputs",
            code="engine_failed",
            hint="check the package of this version",
        )


class _Input(NamedTuple):
    """One input that trees ask for, as forest.c has it. Its ranges are the rows of the masks from `mask` on: the last
    one is that of what is missing."""

    place: int
    first: int
    size: int
    mask: int
    is_text: bool

    @property
    def missing(self) -> int:
        return self.mask + self.size + (0 if self.is_text else 1)


class _Strike(NamedTuple):
    """Of one word, what a split leaves of it where a row goes left, and where it goes right."""

    split: TreeSplit
    word: int
    left: int
    right: int


class _Tables(NamedTuple):
    """What forest.c reads."""

    inputs: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]
    masks: npt.NDArray[np.uint32]
    leaves: npt.NDArray[np.float64]


def _make_tables(forest: Forest) -> _Tables:
    if forest.transform not in _TRANSFORMS:
        raise _does_not_fit(f"it does not know what to make of sums: {forest.transform}")
    inputs, cuts = _find_inputs(forest)
    strikes, leaves = _find_strikes(forest)
    ranges = max((one.missing for one in inputs.values()), default=-1) + 1
    if ranges * len(leaves) * 4 > MOST_BYTES:
        raise _does_not_fit(f"its tables would take {ranges * len(leaves) * 4 / 2**20:,.0f} MiB")
    return _Tables(
        inputs=np.array(list(inputs.values()), dtype=np.int64),
        thresholds=np.array([cut for place in inputs for cut in cuts.get(place, ())], dtype=np.float64),
        masks=_strike_out(strikes, inputs, cuts, shape=(ranges, len(leaves))),
        leaves=leaves,
    )


def _find_inputs(forest: Forest) -> tuple[dict[int, _Input], dict[int, dict[float, int]]]:
    """The inputs that trees ask for, by their place; and of those that are numbers, the place of each threshold."""
    thresholds: dict[int, set[float]] = {}
    categories: dict[int, int] = {}
    for tree in forest.trees:
        for split in tree.splits:
            if split.members is None:
                thresholds.setdefault(split.place, set()).add(split.threshold)
            else:
                count = max(split.members, default=-1) + 1
                categories[split.place] = max(categories.get(split.place, 0), count)
    found: dict[int, _Input] = {}
    cuts = {place: {cut: number for number, cut in enumerate(sorted(some))} for place, some in thresholds.items()}
    first = mask = 0
    for place in sorted({*thresholds, *categories}):
        one = _Input(place, first, categories.get(place, len(cuts.get(place, ()))), mask, place in categories)
        first, mask, found[place] = first + len(cuts.get(place, ())), one.missing + 1, one
    return found, cuts


def _find_strikes(forest: Forest) -> tuple[list[_Strike], npt.NDArray[np.float64]]:
    """What every split strikes out, and the leaves by word. The words of an output stand together, in the order of its
    trees; where a tree has more leaves than a word has bits, the last bit of each of its words says: none of these."""
    words: list[list[tuple[LightgbmTree, range]]] = [[] for _ in range(forest.outputs)]
    for number, tree in enumerate(forest.trees):
        bits = _LEAVES if len(tree.leaves) <= _LEAVES else _LEAVES - 1
        starts = range(0, len(tree.leaves), bits)
        words[number % forest.outputs] += [(tree, range(at, min(at + bits, len(tree.leaves)))) for at in starts]
    stride = -(-max(map(len, words)) // _STEP) * _STEP
    leaves = np.zeros((forest.outputs * stride, _LEAVES))
    strikes: list[_Strike] = []
    for output, of_output in enumerate(words):
        for word, (tree, window) in enumerate(of_output, start=output * stride):
            spans, values = _lay_out(tree)
            leaves[word, : len(window)] = values[window.start : window.stop]
            for split, span in zip(tree.splits, spans, strict=True):
                begin, middle, end = (1 << min(max(at - window.start, 0), len(window)) for at in span)
                strikes.append(_Strike(split, word, _ALL ^ (end - middle), _ALL ^ (middle - begin)))
    return strikes, leaves


def _lay_out(tree: LightgbmTree) -> tuple[list[tuple[int, int, int]], list[float]]:
    """With its leaves numbered from left to right: of each split, where those on its left begin, where those on its
    right do, and where these end; and the leaves' values. (A split stands before those that it leads to.)"""
    sizes = [0] * len(tree.splits)
    for place in reversed(range(len(sizes))):
        split = tree.splits[place]
        sizes[place] = sum(sizes[child] if child >= 0 else 1 for child in (split.left, split.right))
    begins, spans, values = [0] * len(sizes), [], list(tree.leaves)
    for place, split in enumerate(tree.splits):
        begin, end = begins[place], begins[place] + sizes[place]
        middle = begin + (sizes[split.left] if split.left >= 0 else 1)
        spans.append((begin, middle, end))
        for child, at in ((split.left, begin), (split.right, middle)):
            if child >= 0:
                begins[child] = at
            else:
                values[at] = tree.leaves[~child]
    return spans, values


def _strike_out(
    strikes: list[_Strike], inputs: dict[int, _Input], cuts: dict[int, dict[float, int]], *, shape: tuple[int, int]
) -> npt.NDArray[np.uint32]:
    """The leaves that may still be reached, by range and word.

    A number goes left up to a threshold and right above it: what that strikes out is noted at the ranges on its two
    sides, and spread to all below and above.
    """
    masks, below, above = (np.full(shape, _ALL, dtype=np.uint32) for _ in range(3))
    notes: list[tuple[int, int, int, int, int]] = []
    for split, word, left, right in strikes:
        one = inputs[split.place]
        if split.members is None:
            cut = (one.mask + cuts[split.place][split.threshold]) * shape[1] + word
            missing = one.missing * shape[1] + word
            notes.append((cut, left, right, missing, left if split.missing_goes_left else right))
        else:
            goes_left = np.zeros(one.size + 1, dtype=np.bool_)
            goes_left[split.members] = True
            masks[one.mask : one.missing + 1, word] &= np.where(goes_left, left, right).astype(np.uint32)
    cut_at, left_of, right_of, missing_at, of_missing = np.array(notes, dtype=np.int64).reshape(-1, 5).T
    np.bitwise_and.at(below.reshape(-1), cut_at, left_of.astype(np.uint32))
    np.bitwise_and.at(above.reshape(-1), cut_at + shape[1], right_of.astype(np.uint32))
    for one in inputs.values():
        if not one.is_text:
            numbers = slice(one.mask, one.missing)
            masks[numbers] = np.bitwise_and.accumulate(below[numbers][::-1])[::-1]
            masks[numbers] &= np.bitwise_and.accumulate(above[numbers])
    np.bitwise_and.at(masks.reshape(-1), missing_at, of_missing.astype(np.uint32))
    return masks


def _does_not_fit(why: str) -> InvalidInput:
    return InvalidInput(
        f"the model does not become tables: {why}", code="not_convertible", where="model.txt", hint="LightGBM serves it"
    )
