"""The quality before outcomes are known: an estimate with a measured error, or none where it was not honest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlops_lab.monitoring.budget.scores import Floats

HISTORY_DAYS = 28
"""The errors of so many days say how far off the estimate usually is."""
MIN_DAYS = 14
COVERAGE = 0.9
"""The share of days on which the truth is to lie within the stated error."""
LEAST_COVERAGE = 0.75
"""With less, over the last `HISTORY_DAYS` days, the stated error was not honest: there is no estimate."""


@dataclass(frozen=True)
class Estimate:
    """An estimate, less its mean error; the error within which the truth has lain on 90 % of days; and how often it lay
    within the error that was stated on the day before (None: too few days to know)."""

    value: float
    error: float
    coverage: float | None

    @property
    def is_honest(self) -> bool:
        """Whether what was stated held often enough; not while that is not known."""
        return self.coverage is not None and self.coverage >= LEAST_COVERAGE


def judge(estimate: float, errors: Floats) -> Estimate | None:
    """The estimate of today, corrected by the `errors` of the days before (estimate less truth, oldest first; NaN: not
    known); None with fewer than 14 of them."""
    known = errors[np.isfinite(errors)]
    stated = _state(known)
    if stated is None:
        return None
    held = []
    for day in range(max(MIN_DAYS, len(known) - HISTORY_DAYS), len(known)):
        before = _state(known[:day])
        if before is not None:
            held.append(abs(known[day] - before[0]) <= before[1])
    coverage = float(np.mean(held)) if len(held) >= MIN_DAYS else None
    return Estimate(estimate - stated[0], stated[1], coverage)


def _state(errors: Floats) -> tuple[float, float] | None:
    """(mean error, half width) by the last days."""
    recent = errors[-HISTORY_DAYS:]
    if len(recent) < MIN_DAYS:
        return None
    mean = float(recent.mean())
    return mean, float(np.quantile(np.abs(recent - mean), COVERAGE, method="higher"))
