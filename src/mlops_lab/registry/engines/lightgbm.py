"""LightGBM's shared library without its Python package: 0.03 s instead of 4 s to load, 4 µs a row."""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.engines.base import Engine, ModelFile, Output
from mlops_lab.registry.engines.encoding import Encoder
from mlops_lab.registry.engines.lightgbm_text import check_sound
from mlops_lab.registry.package import Plan
from mlops_lab.registry.trust import Trust

_FLOAT64 = 1
_NORMAL = 0
_COLUMN_MAJOR, _ROW_MAJOR = 0, 1
MATRIX_ROWS, THREADED_ROWS = 16, 64
"""From so many rows on, a matrix of them costs less than a call for each; and threads cost less than they save."""

_thread_count = threading.Lock()
"""Held by each call that says a number of threads: LightGBM keeps one number for the whole process, takes memory for so
many threads and then starts so many. Another call's number in between makes it write past that memory."""


@cache
def _library() -> ctypes.CDLL:
    spec = importlib.util.find_spec("lightgbm")  # finds the package without importing it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll"):
            path = Path(folder) / "lib" / name
            if path.exists():
                try:
                    return _declare(ctypes.CDLL(str(path)))
                except OSError as error:
                    raise EnvironmentFault(
                        f"LightGBM's library does not load: {error}",
                        code="no_engine",
                        where=str(path),
                        hint="install the OpenMP runtime (Debian: apt-get install libgomp1)",
                    ) from None
    raise EnvironmentFault(
        "LightGBM's library is not installed", code="no_engine", hint="install it with `pip install lightgbm`"
    )


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def _check(status: int) -> None:
    if status != 0:
        message = _library().LGBM_GetLastError().decode(errors="replace")
        raise EnvironmentFault(f"LightGBM: {message}", code="engine_failed", hint="check the package of this version")


class LightgbmEngine:
    """A LightGBM model and the codes of its text inputs."""

    exact = True

    def __init__(self, model: bytes, inputs: Sequence[str], categories: Mapping[str, Sequence[str]]) -> None:
        self.encoder = Encoder(inputs, categories)
        self.booster = Booster(model)

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        if len(rows) < MATRIX_ROWS:
            encode, predict = self.encoder.encode_row, self.booster.predict_one
            return [predict(encode(row)) for row in rows]
        threads = 0 if len(rows) >= THREADED_ROWS else 1
        answers: list[Output] = self.booster.predict(self.encoder.encode_rows(rows), threads=threads).tolist()
        return answers

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for many rows of inputs; equal to `score_rows` bit by bit."""
        return self.booster.predict(self.encoder.encode(inputs), threads=threads)


def open_engine(file: ModelFile, plan: Plan, trust: Callable[[], Trust]) -> Engine:
    """The engine of a plan over a model file."""
    del trust  # nothing in the file can execute code
    return LightgbmEngine(file.content, plan.features["inputs"], plan.categories)


class Booster:
    """A LightGBM model; answers the probability of the positive class, those of all classes, or a number."""

    def __init__(self, model: bytes) -> None:
        check_sound(model.decode("utf-8", errors="replace"))
        library = _library()
        self._handle = ctypes.c_void_p()
        trees = ctypes.c_int()
        _check(library.LGBM_BoosterLoadModelFromString(model, ctypes.byref(trees), ctypes.byref(self._handle)))
        width, outputs = ctypes.c_int(), ctypes.c_int()
        _check(library.LGBM_BoosterGetNumFeature(self._handle, ctypes.byref(width)))
        _check(library.LGBM_BoosterGetNumClasses(self._handle, ctypes.byref(outputs)))
        self.width, self.outputs = width.value, outputs.value
        self._row = np.empty(self.width, dtype=np.float64)
        self._row_pointer = self._row.ctypes.data_as(ctypes.c_void_p)
        self._output = (ctypes.c_double * self.outputs)()
        self._length_pointer = ctypes.byref(ctypes.c_int64())
        self._fast = ctypes.c_void_p()
        self._lock = threading.Lock()
        parameters = b"num_threads=1"
        with _thread_count:
            status = library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, _NORMAL, 0, -1, _FLOAT64, self.width, parameters, ctypes.byref(self._fast)
            )
        _check(status)
        self._predict_one = library.LGBM_BoosterPredictForMatSingleRowFast

    def predict_one(self, values: list[float]) -> Output:
        """The answer for one row of inputs; NaN is missing."""
        with self._lock:
            self._row[:] = values
            _check(self._predict_one(self._fast, self._row_pointer, self._length_pointer, self._output))
            return self._output[0] if self.outputs == 1 else list(self._output)

    def predict(self, matrix: npt.NDArray[np.float64], *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for a matrix of shape (rows, inputs), in their order; equal to `predict_one` bit by bit.

        Computed on so many threads; 0: on all cores.
        """
        by_column = matrix.flags.f_contiguous
        matrix = np.require(matrix, dtype=np.float64, requirements="F" if by_column else "C")
        output = np.empty((matrix.shape[0], self.outputs) if self.outputs > 1 else matrix.shape[0], dtype=np.float64)
        if matrix.shape[0] == 0:
            return output
        with _thread_count:
            status = _library().LGBM_BoosterPredictForMat(
                self._handle,
                matrix.ctypes.data_as(ctypes.c_void_p),
                _FLOAT64,
                ctypes.c_int32(matrix.shape[0]),
                ctypes.c_int32(matrix.shape[1]),
                _COLUMN_MAJOR if by_column else _ROW_MAJOR,
                _NORMAL,
                0,
                -1,
                b"num_threads=%d" % threads,
                ctypes.byref(ctypes.c_int64()),
                output.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
            )
        _check(status)
        return output

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            _library().LGBM_FastConfigFree(self._fast)
        if getattr(self, "_handle", None):
            _library().LGBM_BoosterFree(self._handle)
