"""From what an engine computes to the answer of the task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mlops_lab.registry.engines.base import Output


class OutputDescription(Protocol):
    """What must be known of a model to interpret its outputs: see `Plan`."""

    @property
    def task(self) -> str:
        """ "binary", "multiclass" or "regression"."""

    @property
    def classes(self) -> Sequence[str]:
        """All classes of a multiclass task."""

    @property
    def outputs(self) -> Sequence[int]:
        """For each class that the model knows, its index among all classes."""


class OutputMapping:
    """Maps outputs of an engine to answers: the probability of every class at its index, 0 for a class that was never
    learned. Probabilities are clipped to 0 and 1, because a sum in float32 may be a little larger than 1."""

    def __init__(self, plan: OutputDescription) -> None:
        self._is_probability = plan.task != "regression"
        self._class_indices = list(plan.outputs)
        self._class_count = len(plan.classes)

    def of_row(self, output: Output) -> Output:
        """The answer of one row."""
        if not self._class_count:  # a list holds the probabilities of no and yes: the answer is that of yes
            number = output[1] if isinstance(output, list) else output
            return min(max(number, 0.0), 1.0) if self._is_probability else number
        known = output if isinstance(output, list) else [1.0 - output, output]
        answer = [0.0] * self._class_count
        for index, probability in zip(self._class_indices, known, strict=True):
            answer[index] = min(max(probability, 0.0), 1.0)
        return answer

    def of_rows(self, outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The answers of many rows, whose outputs have the shape (rows,) or (rows, outputs)."""
        if not self._class_count:
            numbers = outputs[:, 1] if outputs.ndim == 2 else outputs
            return np.clip(numbers, 0.0, 1.0) if self._is_probability else numbers
        known = outputs if outputs.ndim == 2 else np.column_stack([1.0 - outputs, outputs])
        answers = np.zeros((len(known), self._class_count))
        answers[:, self._class_indices] = np.clip(known, 0.0, 1.0)
        return answers
