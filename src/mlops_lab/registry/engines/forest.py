"""LightGBM's trees as tables of bit masks, which forest.c reads without a branch: the same answers to the last bit."""

from __future__ import annotations

import ctypes
import logging
import zlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engines.base import Engine, ModelFile, Output, count_cores
from mlops_lab.registry.engines.encoding import Encoder
from mlops_lab.registry.engines.forest_tables import TRANSFORMS, ForestTables, make_tables
from mlops_lab.registry.engines.lightgbm import LightgbmEngine
from mlops_lab.registry.engines.lightgbm_text import Forest, read_forest
from mlops_lab.registry.package import Plan
from mlops_lab.registry.trust import Trust

_log = logging.getLogger(__name__)
KERNEL = Path(__file__).with_name("libforest.so")
"""What hatch_build.py compiles from forest.c where there is a C compiler."""
MATRIX_ROWS = 8
"""From so many rows on, a matrix of them costs less than a list of lists."""
WORDS_PER_THREAD = 1_500_000
"""From so many words of masks on (0.2 ms; 300 trees, 18 inputs: 270 rows) a thread saves clearly more than it costs."""


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
    if source != zlib.crc32(KERNEL.with_name("forest.c").read_bytes()):  # compiled from another version
        return None
    rows_and_answers = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    library.forest_answer.argtypes = (ctypes.c_void_p, *rows_and_answers, ctypes.c_int64)
    library.forest_answer.restype = None
    return library


def has_kernel() -> bool:
    """Whether forest.c was compiled on this machine."""
    return _kernel() is not None


@lru_cache(maxsize=2)
def _compile(text: str) -> tuple[Forest, ForestTables]:
    """What a model's text says beside its trees, and its tables, which nobody changes. A training opens the candidate
    and the champion several times each."""
    forest = read_forest(text)
    return forest._replace(trees=[]), make_tables(forest)


class ForestEngine:
    """A LightGBM model as a compiled forest, and the codes of its text inputs."""

    exact = True

    def __init__(self, model: bytes, inputs: Sequence[str], categories: Mapping[str, Sequence[str]]) -> None:
        self.encoder = Encoder(inputs, categories)
        self.forest = CompiledForest(model.decode("utf-8", errors="replace"))

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        if len(rows) < MATRIX_ROWS:
            return self.forest.predict_rows(list(map(self.encoder.encode_row, rows)))
        answers: list[Output] = self.forest.predict(self.encoder.encode_rows(rows)).tolist()
        return answers

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for many rows of inputs; equal to `score_rows` bit by bit."""
        return self.forest.predict(self.encoder.encode(inputs), threads=threads)


def open_engine(file: ModelFile, plan: Plan, trust: Callable[[], Trust]) -> Engine:
    """The engine of a plan over a model file; LightGBM's own where forest.c was not compiled."""
    del trust  # nothing in the file can execute code
    inputs = plan.features["inputs"]
    if has_kernel():
        return ForestEngine(file.content, inputs, plan.categories)
    _log.warning("forest.c was not compiled here: LightGBM's library gives the same answers, some ten times slower")
    return LightgbmEngine(file.content, inputs, plan.categories)


class CompiledForest:
    """A LightGBM model; answers the probability of the positive class, those of all classes, or a number.

    Made of the model's text. InvalidInput where it does not become tables, or where forest.c was not compiled;
    EnvironmentFault where LightGBM did not write the text.
    """

    def __init__(self, text: str) -> None:
        kernel = _kernel()
        if kernel is None:
            hint = "install a C compiler (Debian: apt-get install gcc libc6-dev), then mlops-lab anew"
            raise InvalidInput("forest.c was not compiled", code="no_kernel", where=str(KERNEL.parent), hint=hint)
        head, self._tables = _compile(text)  # kept: the struct points into them
        self.width, self.outputs = head.width, head.outputs
        self._struct = _Struct(
            len(self._tables.inputs), self.width, len(self._tables.leaves) // self.outputs, self.outputs,
            TRANSFORMS.index(head.transform), head.divisor, head.steepness,
            *(table.ctypes.data for table in self._tables),
        )  # fmt: skip
        self._words_per_row = len(self._tables.inputs) * len(self._tables.leaves)
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
        return [answers[start : start + self.outputs].tolist() for start in range(0, len(answers), self.outputs)]

    def predict(self, matrix: npt.NDArray[np.float64], *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for a matrix of shape (rows, inputs), in their order; equal to `predict_rows` bit by bit.

        Computed on at most so many threads; 0: on all cores.
        """
        if matrix.shape[1] != self.width:
            raise self._wrong_width()
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        answers = np.empty((len(matrix), self.outputs) if self.outputs > 1 else len(matrix), dtype=np.float64)
        most = len(matrix) * self._words_per_row // WORDS_PER_THREAD
        threads = min(threads or count_cores(), most) if most > 1 else 1
        self._answer(self._address, matrix.ctypes.data, len(matrix), answers.ctypes.data, threads)
        return answers

    def _wrong_width(self) -> EnvironmentFault:
        return EnvironmentFault(
            f"a row of this model has {self.width} inputs",
            code="engine_failed",
            hint="check the package of this version",
        )
