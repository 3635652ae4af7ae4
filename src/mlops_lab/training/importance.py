"""How much a model needs each of its inputs: how much higher its loss is where the input's values are shuffled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from mlops_lab.tasks.base import Task, mean_of

ROWS = 2000
"""So many rows, evenly over all, tell it well enough."""
_SEED = 0


def measure_importances(
    score: Callable[[pl.DataFrame], pl.Series], inputs: pl.DataFrame, truth: pl.Series, *, task: Task
) -> dict[str, float]:
    """The permutation importance of each input, in units of the loss: the mean loss where its values are exchanged
    among the rows, less the mean loss of the model's answers (Breiman 2001; Fisher, Rudin and Dominici 2019).

    Below 0 where shuffling happens to help: the model does not need that input. Empty without rows.
    """
    every = max(1, inputs.height // ROWS)
    inputs, truth = inputs.gather_every(every), truth.gather_every(every)
    if inputs.is_empty():
        return {}
    loss, random = mean_of(task.losses(truth, score(inputs))), np.random.default_rng(_SEED)
    shuffled = {
        name: inputs.with_columns(inputs[name].gather(random.permutation(inputs.height))) for name in inputs.columns
    }
    return {name: mean_of(task.losses(truth, score(rows))) - loss for name, rows in shuffled.items()}
