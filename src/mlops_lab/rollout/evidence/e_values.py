"""E-values are computed as logarithms, and told as numbers."""

from __future__ import annotations

from math import exp

LARGEST_LOG_E = 700.0
"""The logarithm of an e-value that is still a finite number."""


def to_e_value(log_e: float) -> float:
    """The e-value of this logarithm, a finite number."""
    return exp(min(log_e, LARGEST_LOG_E))
