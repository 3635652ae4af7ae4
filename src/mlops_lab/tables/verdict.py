"""What became of an outcome."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What became of an outcome."""

    ACCEPTED = "accepted"
    """The first outcome of a known prediction."""
    CORRECTED = "corrected"
    """Another outcome of a prediction that has one, known later: it counts instead of it from when it was received."""
    DUPLICATE = "duplicate"
    """The same outcome again: ignored."""
    CONFLICT = "conflict"
    """A second, different outcome: refused and recorded."""
    UNKNOWN = "unknown"
    """No such prediction: stored without one, and reported."""
    TOO_LATE = "too_late"
    """Of a prediction that waits for no outcome any more: stored without it, and reported."""
    TOO_EARLY = "too_early"
    """Known before its prediction was made: refused."""


COUNTED = (Verdict.ACCEPTED, Verdict.CORRECTED)
"""The verdicts on outcomes that count, each until the next of the same prediction."""
