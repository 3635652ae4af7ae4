"""What each day of the rollout under way, or of the watch after a promotion, has shown."""

from __future__ import annotations

from datetime import datetime
from math import isfinite

from msgspec import Struct

from mlops_lab.loop.observe import measurements_since
from mlops_lab.loop.rollout_evidence import read_gains
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decisions import fold, made_before
from mlops_lab.rollout.evidence.e_values import to_e_value
from mlops_lab.rollout.evidence.paired import bound_mean, weigh_gains


class RolloutDay(Struct, frozen=True, kw_only=True):
    """A day of a rollout: by how much the challenger's loss was lower (`gain`) on the requests with an outcome
    (`rows`); and what all days until then show: the mean, its bounds (null: none yet), the evidence (`e_value`).

    `at` is the end of the day, and `version` the one that was compared with the champion: candidates take the place of
    earlier ones. In a watch it is the champion before."""

    gain: float
    rows: int
    mean: float
    lower: float | None
    upper: float | None
    e_value: float
    at: str | None = None
    version: int | None = None


def list_days(loop: Loop) -> list[RolloutDay]:
    """The days of the rollout or the watch under way, in order; none where there is neither, or no outcome yet."""
    settings, began = loop.project.settings.rollout, loop.state.compared_since
    if began is None:
        return []
    daily = read_gains(measurements_since(loop.lake, began))
    if not daily.gains.size:
        return []
    margin = settings.allowed_loss if loop.state.watch is None else 0.0
    weighed = weigh_gains(daily.gains, alpha=settings.alpha, margin=margin, rows=daily.rows)
    lower, upper = bound_mean(daily.gains, alpha=settings.alpha, rows=daily.rows)
    columns = [column.tolist() for column in (daily.gains, daily.rows, weighed.mean, lower, upper, weighed.log_e)]
    return [
        RolloutDay(
            gain=gain,
            rows=int(rows),
            mean=mean,
            lower=low if isfinite(low) else None,
            upper=high if isfinite(high) else None,
            e_value=to_e_value(log_e),
            at=end.isoformat(),
            version=_version_compared(loop, end),
        )
        for gain, rows, mean, low, high, log_e, end in zip(*columns, daily.ends, strict=True)
    ]


def _version_compared(loop: Loop, end: datetime) -> int | None:
    """The version that was in shadow, or answered as canary, at the end of a day."""
    state = fold(made_before(loop.decisions, end))
    return state.challenger or (state.watch.version if state.watch else None)
