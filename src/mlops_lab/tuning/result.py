"""The progress and the result of a search for better parameters. The fields of `Tuning` are keys of `tune --json`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TuningProgress:
    """The progress of a search: its stage, the ended trials, the best loss and that of the current parameters."""

    stage: str
    done: int = 0
    total: int = 0
    best: float | None = None
    current: float | None = None


Watch = Callable[[TuningProgress], None]


@dataclass(frozen=True)
class ParameterResult:
    """Parameters and their loss: the mean, and on each fold."""

    name: str
    parameters: dict[str, Any]
    loss: float
    folds: list[float]


@dataclass(frozen=True)
class Tuning:
    """The result of a search. `best` holds finished trials, the best first; `present` the current parameters of the
    project. `better_folds` is on how many folds the very best trial beats them, and `paste` the lines for pipeline.py:
    None where it does not. `trials` counts trials by state; `went_on`: the study has had trials before."""

    study: str
    run_id: str
    until: str
    went_on: bool
    rows: int
    loss_name: str
    trials: dict[str, int]
    present: ParameterResult
    baseline: ParameterResult
    best: list[ParameterResult]
    better_folds: int
    importances: dict[str, float]
    paste: str | None
