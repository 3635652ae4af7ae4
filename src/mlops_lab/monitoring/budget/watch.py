"""When to tell: one bet on all monitors together, whose false alarms have a budget.

**The bet.** For each monitor, each side that matters and each of the sizes of `SIZES` a gambler bets on every day that
scores (see `scores`) have moved up by so much: a score z multiplies what was bet by exp(size z - size² / 2). If the
p-values are uniform given the past, the mean of this factor is 1, whatever was measured. Every day one more unit is
bet: the sums R = (1 + R) × factor are Shiryaev-Roberts e-detectors, and so is their weighted mean over sizes, sides
and monitors, which needs no independence of the monitors (Shin, Ramdas and Rinaldo 2024, "E-detectors", sections 2
and 4; Pollak 1985 for R). The mean time until it reaches `budget_days` without a change is at least `budget_days`:
so one budget holds for all monitors together, at every look.

**Monitors that are evidence themselves**, logarithms of e-values, are bets already: what is bet on them is worth the
e-value. An e-value is at most 1 on average at every stopping time, so their e-detector is a valid one, and by Ville's
inequality it is so at every look, also after an alarm of another monitor.

**A monitor that is suspected**, since a day that scored `JUMP_SCORE`, is compared with the days before that day only:
else it would hide the next ones, where the change is sudden and lasts. Where it was chance, a usual day ends the
suspicion. Days that are each a little unusual begin none: what drifts would be compared with its distant past.

**After an alarm** the bets begin again. The monitors that brought it are open: they do not bet, and their days since
the change are not history. An open monitor is closed when `CALM_DAYS` days in a row were usual, or when the new level
has lasted `MIN_DAYS`: then that level is its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mlops_lab.monitoring.budget.scores import HISTORY_DAYS, MIN_DAYS, Flags, Floats, score_day

BUDGET_DAYS = 90.0
"""One false alarm in so many days, unless a project says otherwise."""
SIZES = (0.5, 1.0, 2.0, 4.0)
"""In standard deviations of a usual day: small lasting changes, and large ones that are plain at once."""
CALM_DAYS, CALM_SCORE = 3, 1.0
SHARE = 0.25
"""Those monitors brought an alarm that hold at least this share of what the largest holds."""
JUMP_SCORE = 3.3
"""From a day with this score on, a monitor is suspected: about three times beyond the largest of 91 days."""
_MOST = 1e100
_NEVER = np.iinfo(np.int64).max
Days: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Watched:
    """What was found on each day; arrays (..., days) or (..., monitors, days).

    `alarm`: whether there was an alarm. `brought`: whether the monitor brought it. `began`: the day (its place in the
    array) since when the monitor that brought an alarm has been unusual; else -1. `days`: how many days of history the
    monitor has got (`MIN_DAYS` are needed). `wealth`: what all bets are worth; an alarm at the budget.
    `is_open`: whether the monitor is unusual after the day: it brought an alarm, and was not closed since.
    """

    alarm: Flags
    brought: Flags
    began: Days
    days: Days
    wealth: Floats
    is_open: Flags


class Watcher:
    """The bets on some monitors, day after day: days that were looked at before are not looked at again.

    `higher`, `lower` (monitors): which changes matter. `smallest` (monitors), in the unit of each monitor: changes up
    to it do not. `weights` (monitors): how much of the bet each gets; equal by default. `targets` (monitors): the value
    that is right, NaN where only the days before say what is usual (see `score_day`). `are_evidence` (monitors):
    whether the values are logarithms of e-values; none by default.
    """

    _bets: _Bets
    _history: _History
    _found: list[Any]

    def __init__(
        self,
        *,
        higher: Flags,
        lower: Flags,
        smallest: Floats,
        weights: Floats | None = None,
        targets: Floats | None = None,
        are_evidence: Flags | None = None,
        budget_days: float = BUDGET_DAYS,
    ) -> None:
        self._sides = higher, lower, np.ones(len(higher)) if weights is None else weights
        self._smallest, self._budget_days = smallest, budget_days
        self._targets = np.full(len(higher), np.nan) if targets is None else targets
        self._are_evidence = np.zeros(len(higher), dtype=bool) if are_evidence is None else are_evidence
        self._seen = np.empty((len(higher), 0))
        self._begin(self._seen)

    def watch(self, values: Floats) -> Watched:
        """What is found on the days of `values` (..., monitors, days), oldest first; NaN where nothing was measured.

        Where they begin with the days of the call before, only the others are looked at: the result is the same.
        """
        seen = self._seen.shape[-1]
        if not seen or not np.array_equal(self._seen, values[..., :seen], equal_nan=True):
            self._begin(values[..., :0])
            seen = 0
        self._history.extend(values)
        days = [self._see(values[..., day], day) for day in range(seen, values.shape[-1])]
        if days:
            found = (np.stack(column, axis=-1) for column in zip(*days, strict=True))
            self._found = [np.concatenate(both, axis=-1) for both in zip(self._found, found, strict=True)]
        self._seen = values.copy()
        alarm, brought, began, known, wealth, is_open = self._found
        return Watched(alarm, brought, began, known, wealth, is_open)

    def _begin(self, values: Floats) -> None:
        """Begin with no days: `values` (..., monitors, 0)."""
        self._bets = _Bets(values.shape[:-1], *self._sides)
        self._history = _History(values.shape[:-1])
        none = np.empty((*values.shape[:-2], 0))
        self._found = [
            none.astype(bool),
            values.astype(bool),
            *[values.astype(np.int64)] * 2,
            none,
            values.astype(bool),
        ]

    def _target(self) -> Floats:
        """What is right; a level that was told, and has lasted, is usual from then on."""
        return np.where(self._history.has_new_level, np.nan, self._targets)

    def _see(self, values: Floats, day: int) -> tuple[Flags, Flags, Days, Days, Floats, Flags]:
        past, known = self._history.before(day)
        scores = score_day(past, known, values, smallest=self._smallest, target=self._target())
        self._bets.take(scores, day, is_open=self._history.is_open | self._are_evidence)
        self._bets.set(values, day, are_set=self._are_evidence & ~self._history.is_open)
        wealth = self._bets.wealth()
        alarm = np.asarray(wealth >= self._budget_days)
        brought = alarm[..., np.newaxis] & self._bets.are_largest()
        began = self._bets.began()
        evidence = np.nan_to_num(values)  # none: what it was about is over
        score = np.where(self._are_evidence, evidence, np.maximum(*scores))
        self._history.suspect(score, day)
        self._history.close(score, day)
        self._history.open(brought, began)
        self._bets.begin_again(alarm)
        return alarm, brought, np.where(brought, began, -1), known.sum(axis=-1), wealth, self._history.is_open.copy()


class _Bets:
    """What is bet on each monitor: (..., monitors, sides, sizes)."""

    def __init__(self, shape: tuple[int, ...], higher: Flags, lower: Flags, weights: Floats) -> None:
        sides = np.stack([higher, lower], axis=-1)
        share = weights[:, np.newaxis] * sides / np.maximum(sides.sum(axis=-1, keepdims=True), 1)
        self._weights = (share / share.sum())[..., np.newaxis] / len(SIZES)
        self._sizes = np.asarray(SIZES)
        self._worth = np.zeros((*shape, 2, len(SIZES)))
        self._gain = np.ones_like(self._worth)
        self._start = np.zeros(self._worth.shape, dtype=np.int64)

    def take(self, scores: tuple[Floats, Floats], day: int, *, is_open: Flags) -> None:
        """What the bets are worth after a day. Without a score, or where the monitor is open, nothing is bet."""
        score = np.stack(scores, axis=-1)[..., np.newaxis]
        factor = np.exp(np.nan_to_num(score) * self._sizes - self._sizes**2 / 2)
        is_bet = np.isfinite(score) & ~is_open[..., np.newaxis, np.newaxis]
        self._worth = np.where(is_bet, np.minimum((1 + self._worth) * factor, _MOST), self._worth)
        self._start = np.where(is_bet & (self._gain <= 1), day, self._start)
        self._gain = np.where(is_bet, np.minimum(np.maximum(self._gain, 1) * factor, _MOST), self._gain)

    def set(self, log_e: Floats, day: int, *, are_set: Flags) -> None:
        """Make the bets on some monitors worth their e-values; nothing where there is none."""
        worth = np.where(np.isfinite(log_e), np.exp(np.clip(np.nan_to_num(log_e), -700.0, np.log(_MOST))), 0.0)
        worth, are_set = worth[..., np.newaxis, np.newaxis], are_set[..., np.newaxis, np.newaxis]
        self._start = np.where(are_set & (self._gain <= 1), day, self._start)
        self._worth, self._gain = (np.where(are_set, worth, before) for before in (self._worth, self._gain))

    def wealth(self) -> Floats:
        """The weighted mean over all bets (...)."""
        return np.asarray(self._held().sum(axis=-1))

    def are_largest(self) -> Flags:
        """The monitors that hold much of what the bets are worth."""
        held = self._held()
        return np.asarray((held > 0) & (held >= SHARE * held.max(axis=-1, keepdims=True)))

    def began(self) -> Days:
        """The day since which each monitor is unusual: on which the bet began that has gained most (Page 1954)."""
        gain = self._gain.reshape(*self._gain.shape[:-2], -1)
        start = self._start.reshape(gain.shape)
        return np.asarray(np.take_along_axis(start, gain.argmax(axis=-1)[..., np.newaxis], axis=-1)[..., 0])

    def begin_again(self, alarm: Flags) -> None:
        """Nothing is bet any more after an alarm."""
        is_over = alarm[..., np.newaxis, np.newaxis, np.newaxis]
        self._worth, self._gain = np.where(is_over, 0.0, self._worth), np.where(is_over, 1.0, self._gain)

    def _held(self) -> Floats:
        return np.asarray((self._worth * self._weights).sum(axis=(-1, -2)))


class _History:
    """Which days of each monitor are history."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._values = np.empty((*shape, 0))
        self._counts = np.empty((*shape, 0), dtype=bool)
        self.is_open = np.zeros(shape, dtype=bool)
        self.has_new_level = np.zeros(shape, dtype=bool)
        self._since = np.zeros(shape, dtype=np.int64)
        self._calm = np.zeros(shape, dtype=np.int64)
        self._jumped = np.full(shape, _NEVER)
        self._days = np.arange(0)

    def extend(self, values: Floats) -> None:
        """Take more days in: `values` begins with those that are known."""
        more = np.isfinite(values[..., self._values.shape[-1] :])
        self._counts = np.concatenate([self._counts, more], axis=-1)
        self._values, self._days = values, np.arange(values.shape[-1])

    def before(self, day: int) -> tuple[Floats, Flags]:
        """(values, which of them are history) of the days before one; those since a monitor was open or suspected are
        none."""
        first = max(0, day - HISTORY_DAYS)
        unusual_since = np.where(self.is_open, self._since, self._jumped)
        is_usual = self._days[first:day] < unusual_since[..., np.newaxis]
        return self._values[..., first:day], self._counts[..., first:day] & is_usual

    def suspect(self, score: Floats, day: int) -> None:
        """Suspect monitors from a day on that has jumped, until a usual day."""
        self._jumped = np.where(score >= JUMP_SCORE, np.minimum(self._jumped, day), self._jumped)
        self._jumped = np.where(score < CALM_SCORE, _NEVER, self._jumped)

    def open(self, brought: Flags, began: Days) -> None:
        """Since they began to be unusual, the days of monitors that brought an alarm are no history."""
        self.is_open |= brought
        self._since = np.where(brought, began, self._since)
        self._calm = np.where(brought, 0, self._calm)

    def close(self, score: Floats, day: int) -> None:
        """Close monitors whose values are usual again, and those that have stayed at a new level."""
        if not self.is_open.any():
            return
        self._calm = np.where(score < CALM_SCORE, self._calm + 1, np.where(np.isfinite(score), 0, self._calm))
        is_back = self.is_open & (self._calm >= CALM_DAYS)
        unusual = self._days >= self._since[..., np.newaxis]
        is_new = self.is_open & ~is_back & ((self._counts & unusual)[..., : day + 1].sum(axis=-1) >= MIN_DAYS)
        self._counts &= ~(is_back[..., np.newaxis] & unusual & (self._days <= day - CALM_DAYS))
        self._counts &= ~(is_new[..., np.newaxis] & ~unusual)
        self.has_new_level |= is_new
        self.is_open &= ~(is_back | is_new)
        self._jumped = np.where(is_back | is_new, _NEVER, self._jumped)
