"""The flights under three questions: false promotions of seed pairs, worse models stopped, and the year with refits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisions.flights import DAYS, FlightLosses, Floats
from decisions.rules import NEVER, Ints, Rule, prove_better
from mlops_lab.rollout.evidence.paired import weigh_gains

HORIZON_DAYS = 60
SEED_STARTS_EVERY_DAYS = 7
PLANTED_STARTS_EVERY_DAYS = 7
CANARY_SHARE = 0.1
KNOWN_AFTER_DAYS = 2
"""At the start of a day all outcomes of the day before yesterday are known."""
FIRST_SCORED_DAY = 59  # 1 March


def seed_pairs(losses: FlightLosses) -> tuple[Floats, Floats]:
    """Gains (runs, days) of all ordered pairs of seeds from many starting days on; and each pair's gain over all days
    left. A promotion is false where the latter is not positive."""
    gains, truths = [], []
    for cut, seeds in zip(losses.cuts, losses.seeds, strict=True):
        for start in range(int(cut), DAYS - HORIZON_DAYS + 1, SEED_STARTS_EVERY_DAYS):
            differences = (seeds[:, np.newaxis, start:] - seeds[np.newaxis, :, start:])[~np.eye(len(seeds), dtype=bool)]
            gains.append(differences[:, :HORIZON_DAYS])
            truths.append(differences @ losses.rows[start:] / losses.rows[start:].sum())
    return np.concatenate(gains), np.concatenate(truths)


def false_promotions(losses: FlightLosses, rule: Rule, alpha: float) -> float:
    """The share of runs with a candidate that is not better in which it is promoted."""
    gains, truths = seed_pairs(losses)
    return float((rule(gains[truths <= 0], alpha) != NEVER).mean())


@dataclass(frozen=True)
class StoppedRuns:
    """Rollouts of a worse model: how many; promoted; stopped by proof (the others at the horizon); the median days
    until then; and the mean number of requests it answered until then at a canary of CANARY_SHARE."""

    runs: int
    promoted: int
    proved_worse: int
    median_days: float
    harmed_requests: float


def stop_worse(gains: Floats, rows: Floats, alpha: float) -> StoppedRuns:
    """What becomes of these runs (runs, days); `rows` (runs, days): the requests of each day."""
    promoted = prove_better(gains, alpha)
    stopped = prove_better(-gains, alpha)
    ended: Ints = np.minimum(np.minimum(promoted, stopped), gains.shape[1])
    answered = np.cumsum(rows, axis=1)[np.arange(len(rows)), ended - 1] * CANARY_SHARE
    wins = promoted < stopped
    return StoppedRuns(
        len(gains), int(wins.sum()), int((stopped != NEVER).sum()), float(np.median(ended)), float(answered.mean())
    )


def planted_runs(losses: FlightLosses, kind: int) -> tuple[Floats, Floats]:
    """Gains and requests (runs, days) of a planted model against each seed's, from many starting days on."""
    gains, rows = [], []
    for number, cut in enumerate(losses.cuts):
        for start in range(int(cut), DAYS - HORIZON_DAYS + 1, PLANTED_STARTS_EVERY_DAYS):
            span = slice(start, start + HORIZON_DAYS)
            gains.append(losses.seeds[number, :, span] - losses.planted[kind, number, span])
            rows.append(np.broadcast_to(losses.rows[span], gains[-1].shape))
    return np.concatenate(gains), np.concatenate(rows)


def run_year(losses: FlightLosses, *, alpha: float, margin: float, every: int = 1) -> tuple[float, list[int]]:
    """The log loss from March to December, and the days of the promotions, if the challenger is always the latest of
    every so many-th refit, and the freshest is promoted when the evidence since the last promotion suffices."""
    refits = range(0, len(losses.refit_days), every)
    champion, began, promotions = 0, int(losses.refit_days[0]), []
    total = 0.0
    for day in range(began + 1, DAYS):
        gains = _gains_since(losses, champion, refits, range(began, day - KNOWN_AFTER_DAYS + 1))
        if len(gains) and weigh_gains(gains, alpha=alpha, margin=margin).is_proved[-1]:
            champion, began = _latest(losses, refits, day), day
            promotions.append(day)
        if day >= FIRST_SCORED_DAY:
            total += losses.refits[champion, day] * losses.rows[day]
    return total / losses.rows[FIRST_SCORED_DAY:].sum(), promotions


def refit_blindly(losses: FlightLosses, every: int) -> float:
    """The log loss from March to December if every so many-th refit is promoted unseen (0: none)."""
    refits = range(0, len(losses.refit_days), every) if every else range(1)
    days = range(FIRST_SCORED_DAY, DAYS)
    total = sum(losses.refits[_latest(losses, refits, day), day] * losses.rows[day] for day in days)
    return float(total / losses.rows[FIRST_SCORED_DAY:].sum())


def _gains_since(losses: FlightLosses, champion: int, refits: range, days: range) -> Floats:
    challengers = [(_latest(losses, refits, day), day) for day in days]
    return np.array(
        [losses.refits[champion, day] - losses.refits[number, day] for number, day in challengers if number != champion]
    )


def _latest(losses: FlightLosses, refits: range, day: int) -> int:
    return max(number for number in refits if losses.refit_days[number] <= day)
