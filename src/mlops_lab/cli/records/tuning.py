"""What `mlops tune --json` prints."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class TrialRecord(Struct, frozen=True, kw_only=True):
    """Parameters and their loss: the mean, and on each fold."""

    name: str
    parameters: dict[str, Any]
    loss: float
    folds: list[float]


class TuneRecord(Struct, frozen=True, kw_only=True):
    """`mlops tune`: the study, the number of trials by how they ended, the present parameters, the baseline, the best
    trials (best first), on how many folds the very best is better, and its parameters as code to paste."""

    schema_version: int = 1
    study: str
    run_id: str
    until: str
    went_on: bool
    rows: int
    loss_name: str
    trials: dict[str, int]
    present: TrialRecord
    baseline: TrialRecord
    best: list[TrialRecord]
    better_folds: int
    importances: dict[str, float]
    paste: str | None
