"""What the detectors measure on days, and series of such days: block bootstrap, with a planted drift or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.run import run_answer_detectors, run_detectors
from mlops_lab.monitoring.profile import Profile, make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.binary import Binary
from monitoring.worlds import DRIFTS, TRAINING_DAYS, Day, Drift, draw_days

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Series = tuple[str, str]
Values = dict[Series, Floats]
"""By monitor and name: what was measured; of days, or of runs and days."""
WEEK = 7
_DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
_LATE = _DAY.end - timedelta(hours=1)


@dataclass(frozen=True)
class Pool:
    """What was measured on the same days without a drift (`quiet`), and with each strength of each drift; `rows`: the
    number of requests of each day. There are whole weeks of days."""

    quiet: Values
    drifts: Mapping[str, Sequence[Values]]
    rows: Floats
    trained_rows: int


def simulate_pool(days: int) -> Pool:
    """The days of the simulated world."""
    rng = np.random.default_rng(20)
    training = draw_days(rng, TRAINING_DAYS)
    profiles = make_profiles(pl.concat([day.inputs for day in training]))
    quiet = draw_days(rng, days)
    steps = dict.fromkeys((drift.plant, level) for drift in DRIFTS.values() for level in drift.levels)
    measured = {
        (plant, level): measure_days([plant(rng, day, level) for day in quiet], profiles) for plant, level in steps
    }
    return Pool(
        quiet=measure_days(quiet, profiles),
        drifts={name: [measured[drift.plant, level] for level in drift.levels] for name, drift in DRIFTS.items()},
        rows=np.array([len(day.truth) for day in quiet], dtype=np.float64),
        trained_rows=sum(len(day.truth) for day in training),
    )


def measure_days(days: Sequence[Day], profiles: Mapping[str, Profile]) -> Values:
    """The values of every detector on each day."""
    found: list[dict[Series, float]] = []
    for day in days:
        answered = pl.DataFrame({"output": day.output}).with_columns(at=pl.lit(_LATE))
        joined = pl.DataFrame({"truth": day.truth, "output": day.output})
        joined = joined.with_columns(predicted_at=pl.lit(_DAY.began), arrived_at=pl.lit(_LATE))
        seen = Seen(_DAY, Binary(), answered, joined)
        rows = [*run_detectors(day.inputs, profiles), *run_answer_detectors(seen)]
        found.append({(monitor, name): value for monitor, name, value in rows})
    return {series: np.array([values.get(series, np.nan) for values in found]) for series in found[0]}


def choose_days(rng: np.random.Generator, pool: Pool, *, runs: int, days: int) -> Ints:
    """(runs, days) places in the pool: whole weeks in random order, so that a weekday stays one."""
    weeks = rng.integers(0, len(pool.rows) // WEEK, size=(runs, -(-days // WEEK)))
    return (weeks[..., np.newaxis] * WEEK + np.arange(WEEK)).reshape(runs, -1)[:, :days]


def quiet_series(pool: Pool, chosen: Ints) -> Values:
    """What was measured in some runs without a drift."""
    return {series: values[chosen] for series, values in pool.quiet.items()}


def drifting_series(pool: Pool, chosen: Ints, *, kind: str, drift: Drift, at: int) -> Values:
    """What was measured in runs in which a drift begins on day `at`: it reaches its full strength within four weeks.
    Every other week is without it where it is recurring."""
    values = quiet_series(pool, chosen)
    levels = pool.drifts[kind]
    for day in range(at, chosen.shape[1]):
        if drift.recurring and (day - at) // WEEK % 2:
            continue
        level = levels[min((day - at) // (4 * WEEK // len(levels)), len(levels) - 1)]
        for series, column in values.items():
            column[:, day] = level[series][chosen[:, day]]
    return values
