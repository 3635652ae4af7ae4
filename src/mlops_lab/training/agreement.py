"""The report of how engines agree with the model that was trained; it lies in the package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.package import AGREEMENT_FILE

Answers = npt.NDArray[np.float64]
TOLERANCE = 1e-5
"""How far an answer of an inexact engine may be from the model's, in units of the task's scale (1 for probabilities),
or of the answer where that is larger: float32 carries some seven digits, and a model adds up many numbers."""
DATA, CORNERS, THRESHOLDS, BESIDE, ONE_BY_ONE = "data", "corners", "thresholds", "beside", "one by one"


class AgreementPart(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one kind that both were asked, how many answers differ by more than the tolerance, and by how much at
    most: None where one of them is no number."""

    rows: int
    differing: int
    largest: float | None


class TriedEngine(msgspec.Struct, frozen=True, kw_only=True):
    """One engine: whether it agrees (None: it was not asked, `reason` says why), on which rows, and the microseconds
    that one row takes it (the median)."""

    engine: str
    agrees: bool | None
    reason: str
    tolerance: float = 0.0
    parts: dict[str, AgreementPart] = {}
    micros: float | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine that serves agrees with the model that was trained, and what came of the others.

    `rows`, `differing` and `largest` are of all parts together. `data_rows` is how many rows were learned from, and
    `splits` how many of the `splits_in_all` that the model has on numbers were tested at their thresholds. (Format 1
    has only the first four, of a sample of the data.)
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
        return next((one for one in self.tried if one.engine == self.engine), None)


def read_agreement(package: Path) -> Agreement:
    """The report that lies in a package, of any format."""
    return msgspec.json.decode((package / AGREEMENT_FILE).read_bytes(), type=Agreement)


def tolerance_of(engine: Engine) -> float:
    """How far its answers may be from the model's."""
    return 0.0 if engine.exact else TOLERANCE


def distances(expected: Answers, given: Answers, *, scale: float) -> Answers:
    """How far the answers to each row are apart, in units of the scale or of the answer; infinite where one is no
    number."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(expected - given) / np.maximum(scale, np.abs(expected))
    found: Answers = np.where(np.isnan(apart), np.inf, apart).reshape(len(expected), -1).max(axis=1, initial=0.0)
    return found


def add_up(parts: Sequence[AgreementPart]) -> AgreementPart:
    """All rows of some parts."""
    largest = [part.largest for part in parts]
    return AgreementPart(
        rows=sum(part.rows for part in parts),
        differing=sum(part.differing for part in parts),
        largest=None if None in largest else max(filter(None, largest), default=0.0),
    )


def difference(apart: Answers, *, tolerance: float) -> AgreementPart:
    """Rows whose answers lie so far apart, as a part of the report."""
    largest = float(apart.max(initial=0.0))
    return AgreementPart(
        rows=len(apart),
        differing=int((apart > tolerance).sum()),
        largest=largest if np.isfinite(largest) else None,
    )
