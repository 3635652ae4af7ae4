"""From what an engine computes to what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    pass
from mlops_lab.registry.engines.base import Output


class OutputDescription(Protocol):
    """What must be known of a model to say what its answers mean: see `Plan`."""

    @property
    def task(self) -> str:
        """What it predicts."""

    @property
    def classes(self) -> Sequence[str]:
        """All classes of a multiclass task."""

    @property
    def outputs(self) -> Sequence[int]:
        """The place among them of each class that it knows."""


class OutputMapping:
    """From what an engine answers to what is answered: every class in its place, those never learned with 0; and no
    probability beyond 0 or 1, where float32 was summed up to a hair more."""

    def __init__(self, plan: OutputDescription) -> None:
        self._sure = plan.task != "regression"
        self._places = list(plan.outputs)
        self._classes = len(plan.classes)

    def of_row(self, output: Output) -> Output:
        """One answer."""
        if not self._classes:  # of no and yes, yes
            number = output[1] if isinstance(output, list) else output
            return min(max(number, 0.0), 1.0) if self._sure else number
        known = output if isinstance(output, list) else [1.0 - output, output]
        answer = [0.0] * self._classes
        for place, probability in zip(self._places, known, strict=True):
            answer[place] = min(max(probability, 0.0), 1.0)
        return answer

    def of_rows(self, outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Many answers, of shape (rows,) or (rows, outputs)."""
        if not self._classes:
            numbers = outputs[:, 1] if outputs.ndim == 2 else outputs
            return np.clip(numbers, 0.0, 1.0) if self._sure else numbers
        known = outputs if outputs.ndim == 2 else np.column_stack([1.0 - outputs, outputs])
        answers = np.zeros((len(known), self._classes))
        answers[:, self._places] = np.clip(known, 0.0, 1.0)
        return answers
