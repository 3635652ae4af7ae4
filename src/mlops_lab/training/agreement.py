"""The report in a package on how well engines agree with the model that was trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from mlops_lab.registry.columns import Answers
from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.package import AGREEMENT_FILE, read_file

TOLERANCE = 1e-5
"""How far an answer of an inexact engine may be from the model's, in units of the task's scale (1 for probabilities),
or of the answer where that is larger: float32 has some seven digits, and a model adds up many numbers."""
DATA, CORNERS, THRESHOLDS, BESIDE, ONE_BY_ONE = "data", "corners", "thresholds", "beside", "one by one"
"""The kinds of compared rows, as the report names them: training rows; rows with nulls or texts never seen; rows at
split thresholds; training rows with all numbers one step of float32 lower or higher; rows asked one at a time."""


class AgreementPart(msgspec.Struct, frozen=True, kw_only=True):
    """The compared rows of one kind, how many answers differ by more than the tolerance, and the largest distance: None
    where an answer is not a number."""

    rows: int
    differing: int
    largest: float | None


class TriedEngine(msgspec.Struct, frozen=True, kw_only=True):
    """One engine: whether it agrees (None: it was not compared, for the `reason`), on which rows, and the median of the
    microseconds that it takes for one row."""

    engine: str
    agrees: bool | None
    reason: str
    tolerance: float = 0.0
    parts: dict[str, AgreementPart] = {}
    micros: float | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How well the engine that serves agrees with the model that was trained, and the results of the other engines.

    `rows`, `differing` and `largest` are of all parts together. `data_rows` is the number of training rows; `splits`
    tells how many of the model's `splits_in_all` on numbers were compared at their thresholds. (Format 1 has only the
    first four, of a sample of the data.)
    """

    format: int = 2
    engine: str
    rows: int
    differing: int
    largest: float | None
    tolerance: float
    data_rows: int | None = None
    splits: int = 0
    splits_in_all: int = 0
    tried: list[TriedEngine] = []

    @property
    def taken(self) -> TriedEngine | None:
        """The entry of the engine that serves; None in format 1."""
        return next((entry for entry in self.tried if entry.engine == self.engine), None)


def read_agreement(package: Path) -> Agreement:
    """The report of a package, in any format."""
    return msgspec.json.decode(read_file(package, AGREEMENT_FILE), type=Agreement)


def tolerance_of(engine: Engine) -> float:
    """How far the engine's answers may be from the model's."""
    return 0.0 if engine.exact else TOLERANCE


def distances(expected: Answers, answers: Answers, *, scale: float) -> Answers:
    """The distance of the two answers to each row, in units of the scale or of the answer; infinite where one is not a
    number."""
    if not len(expected):
        return np.empty(0)
    with np.errstate(invalid="ignore"):
        apart = np.abs(expected - answers) / np.maximum(scale, np.abs(expected))
    by_row: Answers = np.where(np.isnan(apart), np.inf, apart).reshape(len(expected), -1).max(axis=1, initial=0.0)
    return by_row


def add_up(parts: Sequence[AgreementPart]) -> AgreementPart:
    """Some parts together."""
    largest = [part.largest for part in parts]
    return AgreementPart(
        rows=sum(part.rows for part in parts),
        differing=sum(part.differing for part in parts),
        largest=None if None in largest else max(filter(None, largest), default=0.0),
    )


def difference(apart: Answers, *, tolerance: float) -> AgreementPart:
    """The part of the report for rows whose answers are so far apart."""
    largest = float(apart.max(initial=0.0))
    return AgreementPart(
        rows=len(apart),
        differing=int((apart > tolerance).sum()),
        largest=largest if np.isfinite(largest) else None,
    )
