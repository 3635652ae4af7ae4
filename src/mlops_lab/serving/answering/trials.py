"""What became of the requests that a version on trial was asked to score: counted after the response, read by the loop.

Of each version the last 5,000 to 10,000 requests of a worker count, so that one that begins to fail is seen at once,
however long it went well. No clock is asked: a half is full when it has so many requests.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from mlops_lab.registry.engines.base import Output

HALF_REQUESTS = 5_000
MOST_CLASSES = 100
"""Answers with more classes are not summed: the counts of a worker have a fixed space."""


class Trial(msgspec.Struct, kw_only=True):
    """Counts of requests: how many the version was asked to score, at how many it failed with an error, and how many it
    left unanswered: a view refused, or its answer was no number.

    `timed` requests took `seconds` to score. `looked_up` are those for which it read other features than the champion:
    `missing` of them lacked values of a view, `missing_before` lacked some for the version that answered. `compared`
    were answered by both: `outputs` and `outputs_before` are the sums of their answers (one number, or one a class).
    """

    asked: int = 0
    failed: int = 0
    unanswered: int = 0
    timed: int = 0
    seconds: float = 0.0
    looked_up: int = 0
    missing: int = 0
    missing_before: int = 0
    compared: int = 0
    outputs: list[float] = msgspec.field(default_factory=list)
    outputs_before: list[float] = msgspec.field(default_factory=list)

    def compare(self, outputs: Sequence[Output], before: Sequence[Output]) -> None:
        """Add the answers of both versions to the same requests, with the same classes; those that are no numbers are
        left out."""
        both = np.array([outputs, before], dtype=np.float64).reshape(2, len(outputs), -1)
        is_finite = np.isfinite(both).all(axis=(0, 2))
        if is_finite.any() and both.shape[2] <= MOST_CLASSES:
            ours, theirs = both[:, is_finite].sum(axis=1).tolist()
            self.add(Trial(compared=int(is_finite.sum()), outputs=ours, outputs_before=theirs))

    def add(self, other: Trial) -> None:
        """Add the counts of another. Sums of answers with another number of classes are left out."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.compared and (not self.compared or len(self.outputs) == len(other.outputs)):
            self.compared += other.compared
            self.outputs = _add(self.outputs, other.outputs)
            self.outputs_before = _add(self.outputs_before, other.outputs_before)


_NUMBERS = ("asked", "failed", "unanswered", "timed", "seconds", "looked_up", "missing", "missing_before")
Trials = dict[int, list[Trial]]
"""By version the half that is counted now, and the one before."""


def note_trial(trials: Trials, version: int, seen: Trial) -> None:
    """Count what was seen of a version."""
    halves = trials.setdefault(version, [Trial(), Trial()])
    if halves[0].asked >= HALF_REQUESTS:
        halves[:] = [Trial(), halves[0]]
    halves[0].add(seen)


def _add(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one + other for one, other in zip(first, second, strict=True)] if first else [*second]
