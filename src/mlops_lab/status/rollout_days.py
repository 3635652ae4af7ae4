"""What each day of the rollout under way has shown."""

from __future__ import annotations

from math import isfinite

import numpy as np
from msgspec import Struct

from mlops_lab.loop.observe import measurements_since
from mlops_lab.loop.rollout_evidence import read_gains
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.evidence.paired import bound_mean, weigh_gains


class RolloutDay(Struct, frozen=True, kw_only=True):
    """A day of a rollout: by how much the challenger's loss was lower (`gain`) on the requests with an outcome
    (`rows`); and what all days until then show: the mean, its bounds (null: none yet), the evidence (`e_value`)."""

    gain: float
    rows: int
    mean: float
    lower: float | None
    upper: float | None
    e_value: float


def list_days(loop: Loop) -> list[RolloutDay]:
    """The days of the rollout under way, in order; none where there is no rollout, or no outcome yet."""
    settings = loop.project.settings.rollout
    if loop.state.rollout_began is None:
        return []
    daily = read_gains(measurements_since(loop.lake, loop.state.rollout_began))
    if not daily.gains.size:
        return []
    weighed = weigh_gains(daily.gains, alpha=settings.alpha, margin=settings.allowed_loss, rows=daily.rows)
    lower, upper = bound_mean(daily.gains, alpha=settings.alpha, rows=daily.rows)
    columns = (daily.gains, daily.rows, weighed.mean, lower, upper, np.exp(np.minimum(weighed.log_e, 700)))
    return [
        RolloutDay(
            gain=gain,
            rows=int(rows),
            mean=mean,
            lower=low if isfinite(low) else None,
            upper=high if isfinite(high) else None,
            e_value=e_value,
        )
        for gain, rows, mean, low, high, e_value in zip(*(column.tolist() for column in columns), strict=True)
    ]
