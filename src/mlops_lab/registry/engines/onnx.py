"""ONNX Runtime: serves what scikit-learn, XGBoost, CatBoost, PyTorch or Keras trained, from a graph without code.

A graph has one input a column, by name, or a single one that holds all of them. Numbers are float32 and missing as NaN,
text is missing as "": the same that an estimator is trained on (`registry.frames`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engines.base import Engine, ModelFile, Output
from mlops_lab.registry.package import Plan
from mlops_lab.registry.trust import Trust

_BATCH_ROWS = 50_000
_FATAL = 4
_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
_TEXT, _NUMBERS = "tensor(string)", ("tensor(float)", "tensor(double)")


class OnnxEngine:
    """A session over one graph; InvalidInput where its inputs are not those of the model."""

    exact = False  # a sum over a row may take another order where there are many rows

    def __init__(self, file: ModelFile, inputs: Sequence[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL  # what goes wrong is raised too
        options.add_session_config_entry(_DATA_FOLDER, os.devnull)  # in which there is no file: all of a graph is here
        try:
            self._session = onnxruntime.InferenceSession(file.content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of many kinds, none of them exported
            raise EnvironmentFault(
                f"ONNX Runtime cannot load it: {str(error).splitlines()[0]}",
                code="engine_failed",
                where=str(file.path),
                hint="restore the file, or export the model anew with a lower opset",
            ) from None
        self._inputs = list(inputs)
        graph_inputs = {node.name: node.type for node in self._session.get_inputs()}
        self._matrix_input = self._find_matrix_input(graph_inputs)
        self._text = {name for name, kind in graph_inputs.items() if kind == _TEXT}
        self._dtypes = {
            name: np.float64 if kind == "tensor(double)" else np.float32 for name, kind in graph_inputs.items()
        }
        self._columns = (
            [(name, self._inputs.index(name)) for name in graph_inputs] if self._matrix_input is None else []
        )
        outputs = [node.name for node in self._session.get_outputs() if node.type in _NUMBERS]
        if not outputs:
            raise _not_fitting(
                "its outputs are not numbers", "export it without ZipMap, with probabilities as a tensor"
            )
        self._output = outputs[-1]  # a classifier's first one is the label

    def _find_matrix_input(self, graph_inputs: Mapping[str, str]) -> str | None:
        """The name of the one graph input that holds all columns; None where each column has its own."""
        if unknown := sorted(set(graph_inputs) - set(self._inputs)):
            if len(graph_inputs) == 1 and graph_inputs[unknown[0]] in _NUMBERS:
                return unknown[0]
            hint = f"name its inputs as those of the model ({', '.join(self._inputs)}), or give it one that holds all"
            raise _not_fitting(f"it asks for {', '.join(unknown)}", hint)
        if other := [name for name, kind in graph_inputs.items() if kind != _TEXT and kind not in _NUMBERS]:
            raise _not_fitting(
                f"its input {other[0]} is a {graph_inputs[other[0]]}", "its inputs are floats or strings"
            )
        return None

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        if self._matrix_input is not None:
            numbers = [[np.nan if value is None else value for value in row] for row in rows]
            return _to_list(self._run({self._matrix_input: np.array(numbers, dtype=self._dtypes[self._matrix_input])}))
        feed = {}
        for name, index in self._columns:
            values = [row[index] for row in rows]
            if name in self._text:
                column = np.array(["" if value is None else value for value in values], dtype=object)
            else:
                column = np.array([np.nan if value is None else value for value in values], dtype=self._dtypes[name])
            feed[name] = column.reshape(-1, 1)
        return _to_list(self._run(feed))

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for many rows of inputs, in batches: the memory does not grow with the rows.

        Always on one thread: how a sum is split between threads may change its last digit.
        """
        del threads
        parts = [self._score(inputs[start : start + _BATCH_ROWS]) for start in range(0, inputs.height, _BATCH_ROWS)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _score(self, inputs: pl.DataFrame) -> npt.NDArray[np.float64]:
        if self._matrix_input is not None:
            matrix = [_numbers(inputs[name], self._dtypes[self._matrix_input]) for name in self._inputs]
            return self._run({self._matrix_input: np.column_stack(matrix)})
        feed = {
            name: (_texts(inputs[name]) if name in self._text else _numbers(inputs[name], self._dtypes[name])).reshape(
                -1, 1
            )
            for name, _ in self._columns
        }
        return self._run(feed)

    def _run(self, feed: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
        try:
            (result,) = self._session.run([self._output], feed)
        except Exception as error:  # of many kinds, none of them exported
            raise EnvironmentFault(
                f"ONNX Runtime fails: {str(error).splitlines()[0][:300]}",
                code="engine_failed",
                hint="look at the request's values, and go back with `mlops rollback` if all requests fail",
            ) from None
        outputs: npt.NDArray[np.float64] = np.asarray(result, dtype=np.float64)
        if outputs.ndim > 1 and outputs.shape[1] == 1:
            return outputs[:, 0]
        return outputs


def open_engine(file: ModelFile, plan: Plan, trust: Callable[[], Trust]) -> Engine:
    """The engine of a plan over a model file."""
    del trust  # a graph cannot execute code
    return OnnxEngine(file, plan.features["inputs"])


def _to_list(outputs: npt.NDArray[np.float64]) -> list[Output]:
    answers: list[Output] = outputs.tolist()
    return answers


def _numbers(column: pl.Series, dtype: type[Any]) -> npt.NDArray[Any]:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(dtype)


def _texts(column: pl.Series) -> npt.NDArray[Any]:
    return column.fill_null("").to_numpy().astype(object)


def _not_fitting(what: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"the ONNX model does not fit: {what}", code="bad_onnx", where="pipeline.py, model()", hint=hint
    )
