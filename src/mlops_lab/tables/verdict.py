"""What became of an outcome."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What became of an outcome."""

    ACCEPTED = "accepted"
    """The first outcome of a known prediction."""
    DUPLICATE = "duplicate"
    """The same outcome again: ignored."""
    CONFLICT = "conflict"
    """A second, different outcome: refused and recorded."""
    UNKNOWN = "unknown"
    """No such prediction: stored without one, and reported."""
    TOO_EARLY = "too_early"
    """Known before its prediction was made: refused."""
