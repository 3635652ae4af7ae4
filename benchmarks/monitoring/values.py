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


QUIET = "quiet"


@dataclass(frozen=True)
class Pool:
    """Days to put series together from, in whole weeks: by set, what was measured on them without a drift (`QUIET`),
    and on the same days with a drift of some strength. `rows`: the number of requests of each day."""

    sets: Mapping[str, Values]
    rows: Floats
    trained_rows: int

    @property
    def quiet(self) -> Values:
        """What was measured without a drift."""
        return self.sets[QUIET]


@dataclass(frozen=True)
class Runs:
    """Series of days. `values`: what was measured, (runs, days) of each series. `chosen` (runs, days): the places of
    the days in the pool; `sets` (days): which of its sets each comes from, by number."""

    pool: Pool
    values: Values
    chosen: Ints
    sets: Ints

    def head(self, runs: int) -> Runs:
        """The first of the runs."""
        values = {series: column[:runs] for series, column in self.values.items()}
        return Runs(self.pool, values, self.chosen[:runs], self.sets)


def set_name(drift: Drift, level: float) -> str:
    """The name of the set with a drift of this strength."""
    return f"{drift.plant.__name__.strip('_')} {level}"


def simulate_days(days: int) -> tuple[list[Day], dict[str, list[Day]]]:
    """(training, days by set) of the simulated world."""
    rng = np.random.default_rng(20)
    training, quiet = draw_days(rng, TRAINING_DAYS), draw_days(rng, days)
    sets = {QUIET: quiet}
    for drift in DRIFTS.values():
        for level in drift.levels:
            if (name := set_name(drift, level)) not in sets:
                sets[name] = [drift.plant(rng, day, level) for day in quiet]
    return training, sets


def make_pool(training: Sequence[Day], sets: Mapping[str, Sequence[Day]], *, beside: Mapping[str, Values]) -> Pool:
    """What the detectors measure on the days of all sets, and what others do (`beside`, by set)."""
    profiles = make_profiles(pl.concat([day.inputs for day in training]))
    return Pool(
        {name: measure_days(days, profiles) | beside[name] for name, days in sets.items()},
        rows=np.array([len(day.truth) for day in sets[QUIET]], dtype=np.float64),
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


def quiet_runs(pool: Pool, chosen: Ints) -> Runs:
    """Runs without a drift."""
    values = {series: column[chosen] for series, column in pool.quiet.items()}
    return Runs(pool, values, chosen, np.zeros(chosen.shape[1], dtype=np.int64))


def drifting_runs(pool: Pool, chosen: Ints, *, drift: Drift, at: int) -> Runs:
    """Runs in which a drift begins on day `at`: it reaches its full strength within four weeks. Every other week is
    without it where it is recurring."""
    runs, numbers = quiet_runs(pool, chosen), {name: number for number, name in enumerate(pool.sets)}
    for day in range(at, chosen.shape[1]):
        if drift.recurring and (day - at) // WEEK % 2:
            continue
        level = drift.levels[min((day - at) // (4 * WEEK // len(drift.levels)), len(drift.levels) - 1)]
        name = set_name(drift, level)
        runs.sets[day] = numbers[name]
        for series, column in runs.values.items():
            column[:, day] = pool.sets[name][series][chosen[:, day]]
    return runs
